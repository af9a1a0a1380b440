package server_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/server"
)

// H1: the way of a person who is invited, from the link to a session; the link is good for once.
func TestInvitation_IsGoodForOnce(t *testing.T) {
	var letters []server.Letter
	o := newOffice(t)
	people := "/organisations/" + consent.FirstOrganisation + "/people"
	a := o.post(consent.Owner, people, "op", "invite", "email", "Ny@Fjord.example", "role", "editor", "limit", "some", "sites", siteID).wants(t, http.StatusOK)
	link := regexp.MustCompile(`http://cmp\.example(/invitation/[\w-]{43})`).FindStringSubmatch(a.Body.String())
	if link == nil {
		t.Fatalf("no link: %s", text(a.doc))
	}
	if strings.Contains(o.get(consent.Owner, people).Body.String(), "/invitation/") || len(letters) != 0 {
		t.Error("the link is shown twice")
	}
	o.get(stranger, link[1]).wants(t, http.StatusOK)
	o.get(stranger, link[1]+"x").wants(t, http.StatusNotFound)
	for words, fields := range map[string][]string{
		"En adgangskode har mindst 12 tegn.":                              {"password", "kort", "repeat", "kort"},
		"De to adgangskoder er ikke ens.":                                 {"password", "fire fisk i en fjord", "repeat", "x"},
		"Den hører til de adgangskoder, der prøves først. Vælg en anden.": {"password", "Adgangskode2026!", "repeat", "Adgangskode2026!"},
	} {
		if got := o.post(stranger, link[1], fields...).wants(t, http.StatusBadRequest).words("p", "class", "why"); got != words {
			t.Errorf("%q, want %q", got, words)
		}
	}
	fields := []string{"person.name", "Ny Nielsen", "password", "fire fisk i en fjord", "repeat", "fire fisk i en fjord"}
	a = o.post(stranger, link[1], fields...)
	a.leadsTo(t, "/?done=joined")
	session := a.Result().Cookies()[0]
	o.post(stranger, link[1], fields...).wants(t, http.StatusNotFound)
	for path, want := range map[string]int{"/sites/" + siteID: 200, "/sites/" + otherID: 404, people: 403, "/sites/new": 200} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.AddCookie(session)
		o.send(stranger, r).wants(t, want)
	}
	if d := o.last(t, siteID, "user_added", "ny@fjord.example"); d.New["role"] != "editor" {
		t.Errorf("the site's log says %+v", d)
	}

	// A withdrawn one, and one whose week is over.
	for _, end := range []func(){
		func() {
			open, err := o.db.Invitations(t.Context(), consent.FirstOrganisation, o.now)
			o.check(err)
			o.post(consent.Owner, people, "op", "withdraw", "invitation", idText(open[0].Num)).leadsTo(t, people+"?done=withdrawn")
		},
		func() { o.now = o.now.AddDate(0, 0, 7) },
	} {
		a := o.post(consent.Owner, people, "op", "invite", "email", "to@fjord.example", "role", "auditor", "limit", "every")
		link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
		o.get(stranger, link).wants(t, http.StatusOK)
		end()
		o.get(stranger, link).wants(t, http.StatusNotFound)
	}
}

// H3: somebody with a login elsewhere joins with it, and its owner learns nothing of it; nobody joins in another's name.
func TestInvitation_OfSomebodyWithALogin(t *testing.T) {
	o := newOffice(t).crowd()
	a := o.post(consent.Owner, "/organisations/"+consent.FirstOrganisation+"/people", "op", "invite", "email", "foreigner@fjord.example", "role", "auditor", "limit", "every")
	link := regexp.MustCompile(`/invitation/[\w-]{43}`).FindString(a.Body.String())
	o.post(stranger, link, "password", "fire fisk i en fjord", "repeat", "fire fisk i en fjord").wants(t, http.StatusForbidden)
	o.post(consent.Editor, link).wants(t, http.StatusForbidden)
	o.get(foreigner, "/sites/"+siteID).wants(t, http.StatusNotFound)
	o.post(foreigner, link).leadsTo(t, "/?done=joined")
	o.get(foreigner, "/").leadsTo(t, "/login") // other rights, another token
	o.revive(foreigner)
	o.get(foreigner, "/sites/"+siteID).wants(t, http.StatusOK)
	o.post(foreigner, "/sites/"+siteID+"/settings").wants(t, http.StatusForbidden)
	o.get(foreigner, "/organisations/"+foreignOrg+"/people").wants(t, http.StatusOK)
	// What protects another organisation isn't this owner's to take away.
	u, _, err := o.db.UserByEmail(t.Context(), "foreigner@fjord.example")
	o.check(err)
	o.check(o.db.SetTOTP(t.Context(), u.ID, []byte("12345678901234567890"), 0, nil))
	o.post(consent.Owner, "/organisations/"+consent.FirstOrganisation+"/people", "op", "reset_totp", "person", idText(u.ID)).wants(t, http.StatusForbidden)
}

func idText(n int64) string { return regexp.MustCompile(`\d+`).FindString(string(mustJSON(n))) }
