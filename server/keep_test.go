package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"samtykke/server"
)

// Where the site serves the script under its own address, the answer sets the cookie that the script asks for, and no other.
func TestKeepChoice_OnlyForTheSitesOwnAddress(t *testing.T) {
	s := newShop(t)
	site := s.site
	site.Banner.FirstParty, site.Banner.Domain = true, site.ID+".example"
	if err := s.db.UpdateSite(context.Background(), site); err != nil {
		t.Fatal(err)
	}
	n, err := s.Publish(context.Background(), site.ID, server.Publishing{Author: "a", Reason: "own address"})
	if err != nil {
		t.Fatal(err)
	}
	s.notice = n
	for name, c := range map[string]struct {
		change func(value string) string
		from   string
		set    bool
	}{
		"as the script writes it": {func(v string) string { return v }, "same-origin", true},
		"from another origin":     {func(v string) string { return v }, "cross-site", false},
		"another visitor":         {func(v string) string { return strings.Replace(v, "-", "0", 1) }, "same-origin", false},
		"another site":            {func(v string) string { return strings.Replace(v, site.ID, "nordlysoglim", 1) }, "same-origin", false},
		"more than a choice":      {func(v string) string { return v + "; Domain=evil" }, "same-origin", false},
		"waiting acts":            {func(v string) string { return v + "%5B" }, "same-origin", false},
		"nothing":                 {func(string) string { return "" }, "same-origin", false},
	} {
		act := s.act()
		value := "1:" + site.ID + ":" + act.Visitor.String() + ":m8x2k1ab:3:psm:s:"
		body, _ := json.Marshal(act)
		w := s.do("POST", "/v1/sites/"+site.ID+"/consents", body, "Origin", origin, "Content-Type", "text/plain", "Sec-Fetch-Site", c.from, "Samtykke-Keep", c.change(value))
		if w.Code != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
		got := w.Header().Get("Set-Cookie")
		if (got != "") != c.set {
			t.Errorf("%s: Set-Cookie %q", name, got)
		}
		if want := "samtykke=" + value + "; Path=/; Domain=" + site.ID + ".example; Max-Age=31536000; Secure; SameSite=Lax"; c.set && got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
