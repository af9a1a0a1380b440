package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"samtykke/browsertest"
	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server"
)

const noticePath = "/sites/" + siteID + "/notices/3"

// withBrowser takes pictures with a Chromium; path is empty for the one that is installed.
func withBrowser(path *string) func(*server.Config) {
	return func(c *server.Config) {
		c.Pictures = func(ctx context.Context, shots []scanner.Shot) (scanner.Album, error) {
			return scanner.Pictures(ctx, scanner.Options{Browser: *path}, shots)
		}
	}
}

// Law 3.1 no. 2: pictures of each version in each language, on desktop and phone, first and second layer. Without a Chromium
// the page says so, and a press of a button tries again. Taking pictures records no act.
func TestPictures_OfEachVersion(t *testing.T) {
	browser := "/nowhere/chromium"
	o := newOffice(t, withBrowser(&browser)).furnish()
	acts := len(o.everything())
	o.check(o.TakePictures(t.Context()))
	page := o.get(consent.Editor, noticePath).wants(t, http.StatusOK)
	if got := page.words("section", "aria-labelledby", "pictures"); !strings.Contains(got, "Der er ikke installeret Chromium") || !strings.Contains(got, "Tag skærmbilleder nu") {
		t.Errorf("without Chromium: %s", got)
	}
	if got := o.get(consent.Auditor, noticePath).words("section", "aria-labelledby", "pictures"); strings.Contains(got, "Tag skærmbilleder nu") {
		t.Error("auditors change nothing")
	}
	browser = ""
	o.post(consent.Editor, noticePath+"/pictures").leadsTo(t, noticePath+"?done=pictures")
	o.check(o.TakePictures(t.Context()))

	page = o.get(consent.Auditor, noticePath).wants(t, http.StatusOK)
	if got := page.words("section", "aria-labelledby", "pictures"); !strings.Contains(got, "Taget 22. november 2026 kl. 10.30 med Chrome/") {
		t.Error(got)
	}
	var told []string
	seen := map[string]string{}
	for _, img := range page.all("img", "loading", "lazy") {
		told = append(told, attrOf(img, "alt"))
		src := attrOf(img, "src")
		a := o.get(consent.Auditor, src).wants(t, http.StatusOK)
		p, format, err := image.DecodeConfig(bytes.NewReader(a.Body.Bytes()))
		if err != nil || format != "png" || fmt.Sprint(p.Width) != attrOf(img, "width") || fmt.Sprint(p.Height) != attrOf(img, "height") || a.Header().Get("Content-Type") != "image/png" {
			t.Errorf("%s: %v %v %v", src, err, p, a.Header())
		}
		if other := seen[a.Body.String()]; other != "" {
			t.Errorf("%s and %s are the same picture", other, src)
		}
		seen[a.Body.String()] = src
		if len(page.all("a", "href", src, "download", siteID+"-3-"+src[strings.LastIndex(src, "/")+1:])) != 1 {
			t.Errorf("no way to download %s", src)
		}
		o.get(stranger, src).wants(t, http.StatusSeeOther)
		o.get(consent.Auditor, strings.Replace(src, siteID, otherID, 1)).wants(t, http.StatusNotFound)
	}
	want := []string{}
	for _, lang := range []string{"dansk", "engelsk"} {
		for _, device := range []string{"Computer", "Telefon"} {
			want = append(want, "Banneret på "+lang+": Første lag, "+device, "Banneret på "+lang+": Andet lag, "+device)
		}
	}
	if !slices.Equal(told, want) {
		t.Errorf("pictures %q", told)
	}
	for _, file := range []string{"da-desktop-3.png", "da-desktop-1.jpg", "da-desktop.png", "de-desktop-1.png", "x.png"} {
		o.get(consent.Auditor, noticePath+"/pictures/"+file).wants(t, http.StatusNotFound)
	}
	if now := len(o.everything()); now != acts {
		t.Errorf("%d records became %d", acts, now)
	}
}

// The job takes each notice's pictures once, also after a restart and with another server beside it; what fails is tried
// again when somebody asks, and keeps no other notice waiting.
func TestPictures_AreTakenOnce(t *testing.T) {
	var taken atomic.Int32
	broken := true
	fake := func(c *server.Config) {
		c.Pictures = func(_ context.Context, shots []scanner.Shot) (scanner.Album, error) {
			n := taken.Add(1)
			if broken && n == 1 {
				return scanner.Album{}, errors.New("not ready")
			}
			return scanner.Album{Browser: fmt.Sprint("Chromium ", n), PNG: make([][]byte, len(shots))}, nil
		}
		c.Pictures = filled(c.Pictures)
	}
	o := newOffice(t, fake).furnish()
	round := func(s *server.Server, want int32) {
		t.Helper()
		o.check(s.TakePictures(t.Context()))
		if got := taken.Load(); got != want {
			t.Errorf("%d times, want %d", got, want)
		}
	}
	round(o.Server, 2) // the newest fails, the one before doesn't; storetest's own aren't what their hashes say
	round(o.Server, 2)
	if got := o.get(consent.Editor, noticePath).words("section", "aria-labelledby", "pictures"); !strings.Contains(got, "Skærmbillederne kunne ikke tages") {
		t.Error(got)
	}
	o.post(consent.Editor, noticePath+"/pictures").leadsTo(t, noticePath+"?done=pictures")
	round(o.Server, 3)
	o.publish("Nye ord")
	round(o.Server, 4)
	cfg := server.Config{BaseURL: "http://cmp.example"}
	fake(&cfg)
	again, err := server.New(t.Context(), o.db, cfg)
	o.check(err)
	defer again.Close()
	round(again, 4) // started anew, nothing is missing
	_, err = o.db.CurrentNotice(t.Context(), otherID)
	o.check(err)
	o.publish("Endnu en")
	round(again, 5)
	round(o.Server, 5) // the other server was faster
	if got := o.get(consent.Editor, "/sites/"+siteID+"/notices/4").words("section", "aria-labelledby", "pictures"); !strings.Contains(got, "Chromium 4.") {
		t.Error(got)
	}
}

// filled puts a byte into each picture: none is empty.
func filled(take func(context.Context, []scanner.Shot) (scanner.Album, error)) func(context.Context, []scanner.Shot) (scanner.Album, error) {
	return func(ctx context.Context, shots []scanner.Shot) (scanner.Album, error) {
		a, err := take(ctx, shots)
		for i := range a.PNG {
			a.PNG[i] = []byte{1}
		}
		return a, err
	}
}

// A server that takes no pictures says so.
func TestPictures_SwitchedOff(t *testing.T) {
	o := newOffice(t).furnish()
	if got := o.get(consent.Owner, noticePath).words("section", "aria-labelledby", "pictures"); !strings.Contains(got, "Der bliver ikke taget skærmbilleder på denne server.") || strings.Contains(got, "nu") {
		t.Error(got)
	}
	o.post(consent.Owner, noticePath+"/pictures").wants(t, http.StatusServiceUnavailable)
}

// H12: the notice's page stays accessible and fits the screen with its pictures on it, and the browser shows them. So does the
// page of a notice that was tampered with.
func TestNoticePage_WithPicturesIsAccessible(t *testing.T) {
	axe, err := os.ReadFile("../node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("axe-core is missing: run npm ci (%v)", err)
	}
	var tiny bytes.Buffer
	if err := png.Encode(&tiny, image.NewGray(image.Rect(0, 0, 8, 5))); err != nil {
		t.Fatal(err)
	}
	o := newOffice(t, func(c *server.Config) {
		c.Pictures = func(_ context.Context, shots []scanner.Shot) (scanner.Album, error) {
			return scanner.Album{Browser: "Chrome/156", PNG: slices.Repeat([][]byte{tiny.Bytes()}, len(shots))}, nil
		}
	}).furnish()
	o.check(o.TakePictures(t.Context()))
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	d := &desk{o, browsertest.Open(t, browsertest.Options{Hosts: map[string]string{"cmp.example": strings.TrimPrefix(s.URL, "http://")}}).Tab()}
	d.enter(consent.Owner)
	for _, version := range []string{"3", "1"} {
		for i, scheme := range []string{"light", "dark"} {
			d.look([]int64{1280, 320}[i], scheme)
			d.Go("http://cmp.example/sites/" + siteID + "/notices/" + version)
			d.Eval(`document.querySelectorAll("details").forEach(d=>d.open=true);document.querySelectorAll("img").forEach(i=>i.loading="eager")`, nil)
			d.Wait(`[...document.images].every(i => i.complete && i.naturalWidth > 0)`)
			var found []string
			d.Eval(string(axe)+`;axe.run().then(r=>r.violations.flatMap(v=>v.nodes.map(n=>v.id+" "+n.html+" "+n.failureSummary)))`, &found)
			var over float64
			d.Eval("document.documentElement.scrollWidth-innerWidth", &over)
			if len(found) > 0 || over > 0 {
				t.Errorf("%s %s: %v px too wide, %q", version, scheme, over, found)
			}
		}
	}
}

// The job runs beside the server, begins soon after a publication, and ends with the server, also in the middle of a notice.
func TestPictures_EndWithTheServer(t *testing.T) {
	begun := make(chan int, 1)
	o := newOffice(t, func(c *server.Config) {
		c.Pictures = func(ctx context.Context, shots []scanner.Shot) (scanner.Album, error) {
			begun <- len(shots)
			<-ctx.Done() // a browser that hangs
			return scanner.Album{}, ctx.Err()
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	o.check(err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx, l) }()
	o.publish("Første")
	select {
	case n := <-begun:
		if n != 8 {
			t.Errorf("%d pictures, want two languages on two screens in two layers", n)
		}
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(browsertest.Timeout):
		t.Fatal("nobody takes pictures")
	}
	stop()
	select {
	case err := <-ended:
		o.check(err)
	case <-time.After(browsertest.Timeout):
		t.Fatal("the server doesn't end")
	}
}
