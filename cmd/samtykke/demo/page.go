package demo

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"samtykke/consent"
)

// render writes a page in the language of its address and gives the visitor a basket.
func (s *shop) render(w http.ResponseWriter, r *http.Request, status int, name string, p product) {
	data := page{shop: s, Lang: "da", Path: r.URL.Path, Product: p, View: view(r)}
	if strings.HasPrefix(r.URL.Path, "/en/") && name == "start" {
		data.Lang = "en"
	}
	data.T = s.texts[data.Lang]
	data.fill(s.baskets.pieces(basketID(w, r)))
	var body bytes.Buffer
	if err := templates[name].ExecuteTemplate(&body, "layout.html", data); err != nil {
		slog.Error("demo page", "page", name, "error", err)
		http.Error(w, "Siden kan ikke vises.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store") // the basket is the visitor's own
	w.WriteHeader(status)
	_, _ = body.WriteTo(w) // fails only when the visitor has gone
}

// fill puts a basket on the page, in the order of the shelves.
func (p *page) fill(pieces map[string]int) {
	for _, x := range p.products {
		if n := pieces[x.Slug]; n > 0 {
			p.Lines = append(p.Lines, line{x, n, n * x.Price})
			p.Count += n
			p.Total += n * x.Price
		}
	}
}

// view is how the visitor asked to see the products; empty where nothing was asked.
func view(r *http.Request) string {
	if v := r.URL.Query().Get("visning"); v == "gitter" || v == "liste" {
		return v
	}
	return ""
}

// Price writes kroner in the Danish way: 1.150 kr.
func (page) Price(kroner int) string {
	if kroner < 1000 {
		return fmt.Sprintf("%d kr.", kroner)
	}
	return fmt.Sprintf("%d.%03d kr.", kroner/1000, kroner%1000)
}

// Products are what a page shows: three on a start page, elsewhere all.
func (p page) Products() []product {
	if strings.HasSuffix(p.Path, "/") {
		return p.products[:3]
	}
	return p.products
}

// Home is the start page in the language of the page.
func (p page) Home() string {
	if p.Lang == "en" {
		return "/en/"
	}
	return "/"
}

// Vendors are the firms on the page; a film only where there is one.
func (p page) Vendors() []vendor {
	vendors := []vendor{
		{"Tælleren", statisticsHost, "taelleren", consent.Statistics},
		{"Annoncekompagniet", marketingHost, "annoncekompagniet", consent.Marketing},
	}
	if p.Product.Film {
		vendors = append(vendors, vendor{"Filmhylden", videoHost, "", consent.Marketing})
	}
	return vendors
}

// Word is a category's name in the language of the page.
func (p page) Word(c consent.Category) string { return p.T[string(c)] }

// What the templates need of the shop.

func (p page) Config() Config     { return p.config }
func (p page) Site() consent.Site { return p.site }
func (p page) Items() []item      { return p.items }
func (p page) MaxEach() int       { return maxEach }
func (p page) Statistics() string { return address(statisticsHost, p.config.Port) }
func (p page) Marketing() string  { return address(marketingHost, p.config.Port) }
func (p page) Video() string      { return address(videoHost, p.config.Port) }
