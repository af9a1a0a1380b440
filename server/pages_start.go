package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// startSteps are the steps of a site's guided start, in their order.
var startSteps = []string{"controller", "site", "languages", "tag", "check", "scan", "publish"}

// startStep is where one of them stands.
type startStep struct {
	Name          string
	Num           int
	Done, Skipped bool
	Current       bool // the one to do now
}

// start is how far a site's guided start has come.
type start struct {
	Steps []startStep
	Next  string // the first step that isn't done; "" where all are
	Done  int
}

// Left is how many steps are not done.
func (s start) Left() int { return len(s.Steps) - s.Done }

// startOf looks what is done. Most steps show themselves: only what nobody can see is stored.
func (s *Server) startOf(ctx context.Context, site *consent.Site, n *consent.Notice, scanned bool) (start, error) {
	settled, err := s.db.Steps(ctx, site.ID)
	if err != nil {
		return start{}, err
	}
	known, err := s.db.Domains(ctx, site.ID)
	if err != nil {
		return start{}, err
	}
	home := known[homeDomain(site)]
	said := func(step string) bool { at, ok := settled[step]; return ok && !at.Skipped }
	done := map[string]bool{
		"controller": site.Controller.Name != "", "site": len(site.Domains) > 0, "languages": said("languages") || n != nil,
		"tag": said("tag") || home.Proven(), "check": home.Proven(), "scan": scanned, "publish": n != nil,
	}
	var st start
	current := ""
	for i, name := range startSteps {
		at, ok := settled[name]
		step := startStep{Name: name, Num: i + 1, Done: done[name], Skipped: !done[name] && ok && at.Skipped}
		if step.Done {
			st.Done++
		} else if st.Next == "" {
			st.Next = name
		}
		if !step.Done && !step.Skipped && current == "" {
			current = name
			step.Current = true
		}
		st.Steps = append(st.Steps, step)
	}
	if current == "" { // all that is left was skipped: the page still says where to go on
		for i := range st.Steps {
			st.Steps[i].Current = st.Steps[i].Name == st.Next
		}
	}
	return st, nil
}

// startData is the page of the guided start.
type startData struct {
	start
	Tag       string
	Token     string
	Home      store.Domain // the domain of the homepage
	Off       bool         // this server scans nothing
	Scanning  string       // id of a scan that waits or runs
	Languages ticks
	Unsure    int
}

func (s *Server) startPage(c echo.Context) error {
	v, err := s.startView(c, &dashboard.Form{})
	if err != nil {
		return err
	}
	return s.showStart(c, 200, v)
}

func (s *Server) showStart(c echo.Context, code int, v dashboard.View) error {
	allowScript(c, "")
	v.Script = scriptPath("start")
	return s.showAs(c, code, "start", v)
}

// startView fills the page with what is stored, or with what somebody typed.
func (s *Server) startView(c echo.Context, typed *dashboard.Form) (dashboard.View, error) {
	v, err := s.siteView(c, "start")
	if err != nil {
		return v, err
	}
	ctx, site := c.Request().Context(), v.Site
	n, err := s.currentNotice(ctx, site.ID)
	if err != nil {
		return v, err
	}
	heads, err := s.db.SiteHeads(ctx, []string{site.ID})
	if err != nil {
		return v, err
	}
	d := startData{Tag: Tag(s.cfg.BaseURL, site), Token: proofToken(site), Off: s.cfg.Scan == nil, Unsure: heads[site.ID].Unclassified}
	if d.start, err = s.startOf(ctx, site, n, !heads[site.ID].ScannedAt.IsZero()); err != nil {
		return v, err
	}
	if step := typed.Get("step"); step != "" { // what was refused is to be seen
		for i := range d.Steps {
			d.Steps[i].Current = d.Steps[i].Name == step
		}
	}
	known, err := s.db.Domains(ctx, site.ID)
	if err != nil {
		return v, err
	}
	d.Home = known[homeDomain(site)]
	d.Home.Name = homeDomain(site)
	jobs, err := s.db.ScanJobs(ctx, site.ID, 1)
	if err != nil {
		return v, err
	}
	if len(jobs) > 0 && jobs[0].Open() {
		d.Scanning = jobs[0].ID.String()
	}
	v.Form = startForm(site, typed, dashboard.For(languageOf(c)))
	d.Languages = editorData{}.Languages(v.Form)
	v.Data = d
	return v, nil
}

// startForm holds every field of the page's forms: what is stored, and over it what was typed.
func startForm(site *consent.Site, typed *dashboard.Form, words *dashboard.Words) *dashboard.Form {
	f := settingsForm(site, words)
	for name, values := range typed.Values {
		f.Values[name] = values
	}
	return f
}

// useStart does one step of the guided start, or skips it.
func (s *Server) useStart(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	step := f.Get("step")
	if !slices.Contains(startSteps, step) {
		return consent.Invalid("unreadable", "The body could not be read.")
	}
	leads := "/sites/" + site.ID + "/start"
	if f.Get("op") == "skip" {
		err = s.settle(c, &site, step, true)
	} else {
		leads, err = s.doStep(c, &site, step, f, leads)
	}
	if err != nil {
		v, failed := s.startView(c, f)
		if failed != nil {
			return failed
		}
		return s.againAs(c, v, err, func(code int, v dashboard.View) error { return s.showStart(c, code, v) })
	}
	return seeOther(c, leads)
}

// settle notes that somebody has done or skipped a step.
func (s *Server) settle(c echo.Context, site *consent.Site, step string, skipped bool) error {
	what := "step_done"
	if skipped {
		what = "step_skipped"
	}
	at := store.Step{Name: step, By: userOf(c).Email, Skipped: skipped, At: s.cfg.Now().UTC().Truncate(time.Millisecond)}
	return s.db.SetStep(c.Request().Context(), site.ID, at, s.deed(c, what, site.ID).With(step, nil))
}

func (s *Server) doStep(c echo.Context, site *consent.Site, step string, f *dashboard.Form, leads string) (string, error) {
	changed := *site
	switch step {
	case "controller":
		changed.Controller = controllerOf(f)
		changed.Banner.PrivacyURL = f.Get("privacy_url")
		if err := together(changed.Validate(), changed.Banner.Validate(), namedController(&changed)); err != nil {
			return "", err
		}
		return leads, s.changeSite(c, changed, "settings_changed")
	case "site":
		changed.Name, changed.Domains, changed.Homepage = f.Get("name"), domains(f.Get("domains")), f.Get("homepage")
		if err := changed.Validate(); err != nil {
			return "", err
		}
		return leads, s.changeSite(c, changed, "settings_changed")
	case "languages":
		changed.Banner.Languages = f.Values["languages"]
		if err := changed.Banner.Validate(); err != nil {
			return "", err
		}
		if err := s.changeSite(c, changed, "settings_changed"); err != nil {
			return "", err
		}
		return leads, s.settle(c, site, step, false)
	case "tag":
		return leads, s.settle(c, site, step, false)
	case "check":
		home := homeDomain(site)
		if home == "" {
			return "", s.mayScan(c.Request().Context(), site)
		}
		d, err := s.checkDomain(c.Request().Context(), site, home, userOf(c).Email)
		if err == nil && d.Problem != nil {
			err = d.Problem
		}
		return leads + "?done=domain_proven", err
	case "scan":
		j, err := s.scanNow(c, site)
		if err != nil {
			return "", err
		}
		return "/sites/" + site.ID + "/scans/" + j.ID.String(), nil
	}
	return "/sites/" + site.ID + "/notices", nil
}

// namedController refuses a controller without a name, which a banner must have.
func namedController(site *consent.Site) error {
	if strings.TrimSpace(site.Controller.Name) == "" {
		return wrongField("bad_site", "The website's details are not right yet.", "controller.name", "Name who decides what the data is used for.")
	}
	return nil
}
