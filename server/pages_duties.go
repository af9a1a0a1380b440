package server

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/duties"
	"samtykke/server/store"
)

// dutiesData is the page of a site's papers.
type dutiesData struct {
	installation
	Kinds     []duties.Kind
	Languages []string
	Ready     bool // papers can be written: processor and controller are known
	Version   int  // of the processing agreement in force
	Accepted  []store.Acceptance
	InForce   *store.Acceptance // of this version between these parties; nil: it is still to be accepted
	Seen      string            // names the agreement as it reads now, in the page's language
}

// Later says what is newer than the last acceptance: the agreement's words, or the parties. "first" where there is none.
func (d *dutiesData) Later() string {
	switch {
	case len(d.Accepted) == 0:
		return "first"
	case d.Accepted[0].Version != d.Version:
		return "words"
	}
	return "parties"
}

// Certificate says whether a paper certifies a deletion, and so can't be written before.
func (d *dutiesData) Certificate(k duties.Kind) bool { return k.Name == "deletion" }

func (s *Server) papersPage(c echo.Context) error {
	v, err := s.siteView(c, "papers")
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{}
	if v.Data, err = s.dutiesData(c.Request().Context(), v.Site, languageOf(c)); err != nil {
		return err
	}
	return s.show(c, "duties", v)
}

func (s *Server) dutiesData(ctx context.Context, site *consent.Site, lang string) (*dutiesData, error) {
	in, err := readInstallation(ctx, s.db)
	if err != nil {
		return nil, err
	}
	d := &dutiesData{installation: in, Kinds: duties.All(), Languages: duties.Languages(), Ready: in.Told() && site.Controller.Name != "", Version: agreementVersion()}
	if d.Accepted, err = s.db.Acceptances(ctx, site.ID); err != nil || !d.Ready {
		return d, err
	}
	d.InForce = inForce(d.Accepted, &in, site)
	d.Seen, err = seen(ctx, s.db, site, lang)
	return d, err
}

// paperPage shows a paper as it reads now.
func (s *Server) paperPage(c echo.Context) error {
	v, err := s.siteView(c, "papers")
	if err != nil {
		return err
	}
	all := duties.All()
	i := slices.IndexFunc(all, func(k duties.Kind) bool { return k.Name == c.Param("paper") })
	if i < 0 {
		return consent.NotFound("no_paper", "There is no such paper.")
	}
	d, err := s.dutyData(c.Request().Context(), v.Site)
	if err != nil {
		return err
	}
	p, err := all[i].Make(d, c.Param("lang"))
	if err != nil {
		return consent.NotFound("no_paper", "There is no such paper.") // nothing was deleted, or not in this language
	}
	return showPaper(c, p.HTML, duties.StyleHash())
}

// acceptedPaper shows a paper as it read when it was accepted.
func (s *Server) acceptedPaper(c echo.Context) error {
	num, err := strconv.ParseInt(c.Param("num"), 10, 64)
	if err != nil {
		return consent.NotFound("no_paper", "There is no such paper.")
	}
	a, err := s.db.Acceptance(c.Request().Context(), c.Param("site"), num)
	if err != nil {
		return err
	}
	return showPaper(c, a.HTML, a.Style)
}

// showPaper answers with a document that stands alone: nothing but its own style counts in it.
func showPaper(c echo.Context, html, style string) error {
	c.Response().Header().Set("Content-Security-Policy", "default-src 'none'; style-src '"+style+"'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	return c.HTML(http.StatusOK, html)
}

// acceptAgreement accepts the processing agreement for the controller, as it was read. The document is kept as it is then.
func (s *Server) acceptAgreement(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "papers")
	if err != nil {
		return err
	}
	ctx, lang := c.Request().Context(), languageOf(c)
	if err = s.accept(c, v.Site, f, lang); err == nil {
		return seeOther(c, "/sites/"+v.Site.ID+"/papers?done=agreement_accepted")
	}
	d, failed := s.dutiesData(ctx, v.Site, lang)
	if failed != nil {
		return failed
	}
	v.Form, v.Data = f, d
	return s.again(c, "duties", v, err)
}

func (s *Server) accept(c echo.Context, site *consent.Site, f *dashboard.Form, lang string) error {
	ctx := c.Request().Context()
	in, err := readInstallation(ctx, s.db)
	if err != nil {
		return err
	}
	if in.Operator.SelfHosted {
		return &consent.Error{Kind: consent.KindConflict, Code: "no_processor", Message: "There is no processor, and so no agreement to accept."}
	}
	wrong := map[string]string{}
	if name := f.Get("accept.name"); name == "" || len(name) > 100 {
		wrong["accept.name"] = "Give your name, of at most 100 characters."
	}
	if f.Get("accept.confirm") != "yes" {
		wrong["accept.confirm"] = "Say that you have read the agreement and may accept it."
	}
	if err := refused(wrong); err != nil {
		return err
	}
	d, err := s.dutyData(ctx, site)
	if err != nil {
		return err
	}
	if now, err := seen(ctx, s.db, site, lang); err != nil {
		return err
	} else if now != f.Get("seen") {
		return &consent.Error{Kind: consent.KindConflict, Code: "agreement_changed", Message: "The agreement has changed since you opened the page. Read it again before you accept it."}
	}
	user := userOf(c)
	d.Accepted = &duties.Acceptance{Name: f.Get("accept.name"), Email: user.Email, At: d.At, Version: agreementVersion()}
	p, err := duties.ProcessingAgreement(d, lang)
	if err != nil {
		return err
	}
	a := store.Acceptance{
		Site: site.ID, Paper: p.Name, Language: lang, Version: p.Version, Name: d.Accepted.Name, Email: d.Accepted.Email, At: d.At,
		Style: duties.StyleHash(), HTML: p.HTML,
	}
	a.Processor, a.Controller = parties(&in, site)
	return s.db.Accept(ctx, a, s.deed(c, "agreement_accepted", site.ID).With(strconv.Itoa(a.Version), nil))
}

// dutyData is what the papers of a site are made of now.
func (s *Server) dutyData(ctx context.Context, site *consent.Site) (duties.Data, error) {
	return dutyData(ctx, s.db, s.cfg.Now(), site)
}

// papers are all papers of a site as they read now.
func (s *Server) papers(ctx context.Context, site *consent.Site) ([]duties.Paper, error) {
	return papersOf(ctx, s.db, s.cfg.Now(), site)
}
