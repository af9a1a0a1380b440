package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// Where every step that is left was skipped, the guided start still shows where to go on: the first of them stands open.
func TestStart_LeadsOnWhereAllWasSkipped(t *testing.T) {
	o := newOffice(t)
	s := o.site
	s.ID, s.Controller = bareID, consent.Controller{}
	o.check(o.db.AddSite(t.Context(), s, nil))
	here := "/sites/" + bareID + "/start"
	for _, step := range []string{"controller", "languages", "tag", "check", "scan", "publish"} {
		o.post(consent.Editor, here, "step", step, "op", "skip").leadsTo(t, here)
	}
	now := o.get(consent.Editor, here).wants(t, http.StatusOK).all("li", "class", "card now")
	if len(now) != 1 || attrOf(now[0], "id") != "controller" {
		t.Errorf("%d steps are to do", len(now))
	}
}

// A scan from before the first notice says why it saw no banner; a later one has nothing to explain.
func TestScan_BeforeTheFirstNoticeSaysSo(t *testing.T) {
	o := newOffice(t).furnish()
	for _, early := range []bool{true, false} {
		if !early {
			o.check(o.db.AddScan(t.Context(), siteID, store.Scan{At: o.notice.ValidFrom.Add(time.Hour), Report: mustJSON(officeScan())}, keepItems))
		}
		a := o.get(consent.Editor, o.scanPath()).wants(t, http.StatusOK)
		if said := strings.Contains(a.words("main"), "Banneret var ikke udgivet, da scanningen kørte"); said != early {
			t.Errorf("says that it was early: %v, want %v", said, early)
		}
	}
}
