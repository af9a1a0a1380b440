package browsertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTab_DrivesPagesOfSeveralOrigins(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<title>`+r.Host+`</title><button id=b onclick="this.textContent='pressed'">press</button>`)
	}))
	defer s.Close()
	addr := strings.TrimPrefix(s.URL, "http://")
	tab := Open(t, Options{Hosts: map[string]string{"shop.example": addr, "vendor.example": addr}}).Tab()
	for _, host := range []string{"shop.example", "vendor.example"} {
		tab.Go("http://" + host + "/")
		var title string
		if tab.Eval("document.title", &title); title != host {
			t.Errorf("title %q", title)
		}
	}
	tab.ClickIn(`document.querySelector("#b")`)
	tab.Wait(`document.querySelector("#b").textContent === "pressed"`)
}

func TestTab_CollectsUncaughtErrors(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `<script>setTimeout(()=>{document.title="thrown";throw new Error("planted")})</script>`)
	}))
	defer s.Close()
	tab := Open(t, Options{AllowErrors: true}).Tab()
	tab.Go(s.URL)
	tab.Wait(`document.title === "thrown"`)
	if e := tab.Errors(); len(e) != 1 || !strings.Contains(e[0], "planted") {
		t.Errorf("errors %q", e)
	}
}
