package server_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server"
	"samtykke/server/store"
)

// Databases of earlier releases, as their programs wrote them: the schema's number and what the release brought. Beside each
// stands what was sent to it. They were made by running that program: site add, user add, serve, then the acts over HTTP, and
// the visitors' rights where there were any.
var releases = []string{"1-start", "1-banner", "8-ledger"}

type release struct {
	Site       string
	Notice     consent.Hash
	Acts       []consent.Act
	Erased     []uuid.UUID
	Restricted []uuid.UUID
}

// Every earlier schema is brought up to date with all that was in it: records, notices byte for byte, people, logs that verify.
func TestUpgrade_FromEveryRelease(t *testing.T) {
	for _, name := range releases {
		t.Run(name, func(t *testing.T) {
			var was release
			raw, err := os.ReadFile("store/testdata/" + name + ".json")
			if err == nil {
				err = json.Unmarshal(raw, &was)
			}
			if err != nil {
				t.Fatal(err)
			}
			file := unpacked(t, name)
			serves(t, file, &was)
			for range 2 { // the second time there is nothing to do
				db, err := store.Open(t.Context(), file)
				if err != nil {
					t.Fatal(err)
				}
				upgraded(t, db, &was)
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func unpacked(t *testing.T, name string) string {
	t.Helper()
	in, err := os.Open("store/testdata/" + name + ".db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "samtykke.db")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// serves fails where what browsers have loaded under the earlier release isn't there any more.
func serves(t *testing.T, file string, was *release) {
	t.Helper()
	db, err := store.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := server.New(t.Context(), db, server.Config{BaseURL: "https://cmp.example"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, path := range []string{"/s/" + was.Site + ".js", "/s/" + was.Site + "/" + was.Notice.String() + ".js", "/s/" + was.Site + "/" + was.Notice.String() + ".en.json", "/d/" + was.Site + "/da"} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.Len() < 100 {
			t.Errorf("%s: %d %.80s", path, w.Code, w.Body)
		}
	}
}

func upgraded(t *testing.T, db *store.DB, was *release) {
	t.Helper()
	ctx := t.Context()
	for _, a := range was.Acts {
		own, err := db.OwnActs(ctx, was.Site, a.Visitor)
		if err != nil {
			t.Fatal(err)
		}
		k := slices.IndexFunc(own, func(o store.OwnAct) bool { return o.Record.ID == a.ID })
		if slices.Contains(was.Erased, a.ID) {
			if k >= 0 {
				t.Errorf("act %s is back", a.ID)
			}
			continue
		}
		if k < 0 {
			t.Errorf("act %s is gone", a.ID)
			continue
		}
		if got, want := string(mustJSON(own[k].Record.Act)), string(mustJSON(a)); got != want {
			t.Errorf("act %s\nis  %s\nwas %s", a.ID, got, want)
		}
		if restricted := slices.Contains(was.Restricted, a.ID); restricted != (own[k].Lock == store.Restricted) {
			t.Errorf("act %s: lock %q", a.ID, own[k].Lock)
		}
	}
	page, err := db.Consents(ctx, store.Filter{Site: was.Site})
	if want := len(was.Acts) - len(was.Erased) - len(was.Restricted); err != nil || len(page.Records) != want {
		t.Errorf("%d records in the list, want %d: %v", len(page.Records), want, err)
	}
	if now, intact, err := db.Reseal(ctx, was.Notice); err != nil || !intact || now != was.Notice {
		t.Errorf("the notice is %s now, was %s: %v", now, was.Notice, err)
	}
	users, err := db.Users(ctx)
	if err != nil || !slices.ContainsFunc(users, func(u consent.User) bool {
		m := u.Member(consent.FirstOrganisation)
		return u.Email == "ea@fjord.example" && m != nil && m.Role == consent.Editor
	}) {
		t.Errorf("users %+v, %v", users, err)
	}
	if org, err := db.OrganisationOf(ctx, was.Site); err != nil || org.ID != consent.FirstOrganisation {
		t.Errorf("the site belongs to %+v, %v", org, err)
	}
	if err := db.SignLogs(ctx, page.Records[0].At); err != nil {
		t.Fatal(err)
	}
	result, err := server.VerifyStored(ctx, db, was.Site, nil)
	if err != nil || result.Records != int64(len(was.Acts)-len(was.Erased)-len(was.Restricted)) {
		t.Errorf("the log: %+v, %v", result, err)
	}
}
