package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
)

// H1: a token opens what it is for, of its own organisation and sites, until it expires; nothing keeps its secret.
func TestToken_OpensWhatItIsFor(t *testing.T) {
	o := newOffice(t).crowd()
	page := "/organisations/" + consent.FirstOrganisation + "/tokens"
	a := o.post(consent.Owner, page, "op", "make", "token.name", "Regnskab", "scopes", "read", "limit", "some", "sites", siteID, "token.days", "30").wants(t, http.StatusOK)
	secret := regexp.MustCompile(`smt_[\w-]{43}`).FindString(a.Body.String())
	if secret == "" {
		t.Fatal(text(a.doc))
	}
	if strings.Contains(o.get(consent.Owner, page).Body.String(), secret) {
		t.Error("the secret is shown twice")
	}
	if d := o.last(t, siteID, "token_made", owner); d.Object != "Regnskab" || strings.Contains(string(mustJSON(d)), secret) {
		t.Errorf("%+v", d)
	}
	ask := func(method, path, secret string) int { return server.AskWithToken(o.Server, method, path, secret) }
	for _, c := range []struct {
		method, site, secret string
		want                 int
	}{
		{"GET", siteID, secret, 200},
		{"GET", otherID, secret, 404},
		{"GET", "nosuchsite", secret, 404},
		{"POST", siteID, secret, 403},
		{"GET", siteID, "", 401},
		{"GET", siteID, secret + "x", 401},
		{"GET", siteID, uuid.NewString(), 401},
	} {
		if got := ask(c.method, "/v1/sites/"+c.site+"/anything", c.secret); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.site, got, c.want)
		}
	}
	for why, fields := range map[string][]string{
		"Der er allerede en nøgle med det navn.": {"token.name", "Regnskab", "scopes", "read", "limit", "every", "token.days", "30"},
		"Vælg, hvad nøglen må.":                  {"token.name", "B", "limit", "every", "token.days", "30"},
		"Vælg mindst én hjemmeside.":             {"token.name", "B", "scopes", "read", "limit", "some", "token.days", "30"},
		"Vælg, hvor længe nøglen skal gælde.":    {"token.name", "B", "scopes", "read", "limit", "every", "token.days", "9999"},
	} {
		if got := o.post(consent.Owner, page, fields...).wants(t, http.StatusBadRequest).words("p", "class", "why"); got != why {
			t.Errorf("%q, want %q", got, why)
		}
	}
	later := o.now.AddDate(0, 0, 30)
	before := o.now
	o.now = later
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 401 {
		t.Errorf("expired: %d", got)
	}
	o.now = before
	tokens, err := o.db.Tokens(t.Context(), consent.FirstOrganisation)
	o.check(err)
	o.post(foreigner, "/organisations/"+foreignOrg+"/tokens", "op", "revoke", "token", idText(tokens[0].Num)) // not theirs
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 200 {
		t.Errorf("revoked by others: %d", got)
	}
	o.post(consent.Owner, page, "op", "revoke", "token", idText(tokens[0].Num)).leadsTo(t, page+"?done=token_revoked")
	if got := ask("GET", "/v1/sites/"+siteID+"/anything", secret); got != 401 {
		t.Errorf("revoked: %d", got)
	}
}
