package demo

import (
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"samtykke/consent"
)

// product is one basket for sale.
type product struct {
	Slug  string
	Price int               // whole kroner, VAT included
	Film  bool              // there is a film on how it is made
	Name  map[string]string // language, words; so are Line and Image
	Line  map[string]string
	Image map[string]string // what the drawing shows
	About string            // Danish
	Facts [][2]string       // Danish: what, how much
}

// line is one product in a visitor's basket.
type line struct {
	product
	Pieces, Sum int
}

// vendor is a row of the demo panel: a firm whose script or film the page may load.
type vendor struct {
	Name, Host string
	Flag       string // what its script leaves in window; empty for the film's frame
	Category   consent.Category
}

// item is a row of the demo panel: something stored, and whether scripts of the shop can see it.
type item struct {
	consent.Item
	Visible bool
}

// shop is the web shop. Its fields but the baskets never change.
type shop struct {
	config   Config
	site     consent.Site
	products []product
	items    []item
	texts    map[string]map[string]string // language, key, words
	baskets  *baskets
}

// page is what a template sees.
type page struct {
	*shop
	Lang    string
	Path    string
	T       map[string]string
	Count   int // pieces in the basket
	View    string
	Product product
	Lines   []line
	Total   int
}

var templates = parse("start", "products", "product", "about", "cart", "privacy", "cookies", "missing")

// parse gives each page a template of its own, since all of them define a title and a main part.
func parse(names ...string) map[string]*template.Template {
	shared := template.Must(template.ParseFS(files, "pages/layout.html", "pages/panel.html", "pages/cards.html", "pages/fjord.html"))
	pages := map[string]*template.Template{}
	for _, name := range names {
		pages[name] = template.Must(template.Must(shared.Clone()).ParseFS(files, "pages/"+name+".html"))
	}
	return pages
}

// newShop serves the shop's pages.
func newShop(c Config, now func() time.Time) http.Handler {
	s := &shop{config: c, site: Site(c.Port), items: panelItems(), baskets: newBaskets(now), texts: map[string]map[string]string{}}
	mustParse("products.json", &s.products)
	for _, lang := range s.site.Banner.Languages {
		words := map[string]string{}
		mustParse("texts/"+lang+".json", &words)
		s.texts[lang] = words
	}
	m := http.NewServeMux()
	for pattern, name := range map[string]string{
		"GET /{$}": "start", "GET /en/{$}": "start", "GET /produkter": "products", "GET /om": "about",
		"GET /kurv": "cart", "GET /privatliv": "privacy", "GET /cookies": "cookies",
	} {
		m.HandleFunc(pattern, s.show(name))
	}
	m.HandleFunc("GET /produkt/{slug}", s.showProduct)
	m.HandleFunc("POST /produkt/{slug}", s.addToBasket)
	m.HandleFunc("POST /kurv", s.changeBasket)
	m.Handle("GET /static/", s.static())
	m.HandleFunc("GET /favicon.ico", noIcon)
	m.HandleFunc("GET /", s.missing)
	return http.NewCrossOriginProtection().Handler(m)
}

// mustParse reads an embedded JSON file, which is right or the program was built wrong.
func mustParse(name string, into any) {
	if err := json.Unmarshal(mustRead(name), into); err != nil {
		panic(name + ": " + err.Error())
	}
}

// panelItems lists what can be stored, the banner's own item last. Scripts of the shop see its own storage, but
// no cookie that is HttpOnly, as the basket's is.
func panelItems() []item {
	var rows []item
	for _, i := range Planted() {
		rows = append(rows, item{i, i.Host == shopHost && i.Name != "kurv"})
	}
	own := consent.Item{Kind: consent.Cookie, Name: "samtykke", Host: shopHost, Category: consent.Necessary}
	return append(rows, item{own, true})
}

// show serves a page that depends on nothing but the basket and the query.
func (s *shop) show(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.render(w, r, http.StatusOK, name, product{}) }
}

func (s *shop) showProduct(w http.ResponseWriter, r *http.Request) {
	p, ok := s.product(r.PathValue("slug"))
	if !ok {
		s.missing(w, r)
		return
	}
	s.render(w, r, http.StatusOK, "product", p)
}

func (s *shop) missing(w http.ResponseWriter, r *http.Request) {
	s.render(w, r, http.StatusNotFound, "missing", product{})
}

// static serves the shop's own files; a missing one is a page like any other.
func (s *shop) static() http.Handler {
	served := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if info, err := fs.Stat(files, r.URL.Path[1:]); err != nil || info.IsDir() {
			s.missing(w, r)
			return
		}
		w.Header().Set("Cache-Control", "max-age=300")
		served.ServeHTTP(w, r)
	})
}

// addToBasket puts pieces of the page's product in the basket.
func (s *shop) addToBasket(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, r.PathValue("slug"), s.baskets.add)
}

// changeBasket sets how many pieces of a product the basket holds.
func (s *shop) changeBasket(w http.ResponseWriter, r *http.Request) {
	s.order(w, r, r.PostFormValue("vare"), s.baskets.set)
}

// order does what a form asks and sends the visitor on to the basket, so that reloading orders nothing twice.
func (s *shop) order(w http.ResponseWriter, r *http.Request, slug string, do func(id, product string, n int)) {
	p, ok := s.product(slug)
	n, err := strconv.Atoi(r.PostFormValue("antal"))
	if !ok || err != nil || n < 0 || n > maxEach {
		http.Error(w, "Antal eller vare er ikke rigtig.", http.StatusBadRequest)
		return
	}
	do(basketID(w, r), p.Slug, n)
	http.Redirect(w, r, "/kurv", http.StatusSeeOther)
}

func (s *shop) product(slug string) (product, bool) {
	for _, p := range s.products {
		if p.Slug == slug {
			return p, true
		}
	}
	return product{}, false
}
