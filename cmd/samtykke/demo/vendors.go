package demo

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"regexp"
)

// The vendors know a visitor by a random id, and each cookie lives as many days as its vendor likes.
const (
	statisticsDays = 395
	marketingDays  = 365
	videoDays      = 180
)

// pixel is a transparent GIF of one pixel.
var pixel, _ = base64.StdEncoding.DecodeString("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

// randomID is the form of rand.Text, which makes all ids of the demo.
var randomID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// statistics is Tælleren: a script that counts visits and reports each by a pixel.
func statistics() http.Handler {
	m := vendorMux()
	m.HandleFunc("GET /maaler.js", serveFile("vendors/maaler.js", "text/javascript; charset=utf-8"))
	m.HandleFunc("GET /maal.gif", func(w http.ResponseWriter, r *http.Request) {
		recognise(w, r, "tl_uid", statisticsDays)
		serveBytes(w, "image/gif", pixel)
	})
	return m
}

// marketing is Annoncekompagniet: a script that notes which advertisement brought the visitor.
func marketing() http.Handler {
	m := vendorMux()
	m.HandleFunc("GET /annonce.js", serveFile("vendors/annonce.js", "text/javascript; charset=utf-8"))
	m.HandleFunc("GET /p.gif", func(w http.ResponseWriter, r *http.Request) {
		recognise(w, r, "ak_uid", marketingDays)
		serveBytes(w, "image/gif", pixel)
	})
	return m
}

// video is Filmhylden: a film in a frame.
func video() http.Handler {
	film := serveFile("vendors/film.html", "text/html; charset=utf-8")
	m := vendorMux()
	m.HandleFunc("GET /indlejret/fiskekurv", func(w http.ResponseWriter, r *http.Request) {
		recognise(w, r, "fh_seer", videoDays)
		film(w, r)
	})
	return m
}

func vendorMux() *http.ServeMux {
	m := http.NewServeMux()
	m.HandleFunc("GET /favicon.ico", noIcon)
	m.HandleFunc("GET /", notFound)
	return m
}

// recognise gives a new visitor an id and leaves the id of a known one alone.
func recognise(w http.ResponseWriter, r *http.Request, name string, days int) {
	if knownID(r, name) != "" {
		return
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: rand.Text(), Path: "/", MaxAge: days * 24 * 60 * 60,
		Secure: true, SameSite: http.SameSiteNoneMode,
	})
}

// knownID is the id in a cookie of ours, or empty where there is none that we could have made.
func knownID(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || !randomID.MatchString(c.Value) {
		return ""
	}
	return c.Value
}

func serveFile(name, contentType string) http.HandlerFunc {
	body := mustRead(name)
	return func(w http.ResponseWriter, _ *http.Request) { serveBytes(w, contentType, body) }
}

// serveBytes forbids caching, so that each request to a vendor can be seen.
func serveBytes(w http.ResponseWriter, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // fails only when the visitor has gone
}

// mustRead reads an embedded file: it is there, or the program was built wrong.
func mustRead(name string) []byte {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return b
}
