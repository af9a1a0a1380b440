package server

import (
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/server/dashboard"
)

// installationData is the page on which one says who runs the installation.
type installationData struct {
	installation
	Main, Sub *dashboard.Form // who and where; a new sub-processor
}

func (s *Server) installationPage(c echo.Context) error {
	in, err := readInstallation(c.Request().Context(), s.db)
	if err != nil {
		return err
	}
	d := s.installationData(&in)
	return s.show(c, "installation", dashboard.View{Admin: "installation", Form: d.Main, Data: d})
}

func (s *Server) installationData(in *installation) *installationData {
	sub := &dashboard.Form{Values: map[string][]string{"sub.since": {s.cfg.Now().In(dashboard.Zone).Format(time.DateOnly)}, "sub.country": {"DK"}}}
	return &installationData{*in, installationForm(in), sub}
}

// changeInstallation saves one of the page's forms: who and where, a new sub-processor, or the end of one.
func (s *Server) changeInstallation(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	op, ctx := f.Get("op"), c.Request().Context()
	err = s.editInstallation(ctx, s.deed(c, "settings_changed", "").With("installation", nil), func(in *installation) error {
		switch op {
		case "add":
			return addSub(in, f, NewSiteID())
		case "end":
			return endSub(in, f.Get("id"), s.cfg.Now())
		}
		return fillInstallation(in, f)
	})
	switch {
	case err == nil && op == "add":
		return seeOther(c, "/installation?done=sub_added#subs")
	case err == nil && op == "end":
		return seeOther(c, "/installation?done=sub_ended#subs")
	case err == nil:
		return seeOther(c, "/installation?done=installation_saved")
	}
	in, failed := readInstallation(ctx, s.db)
	if failed != nil {
		return failed
	}
	d := s.installationData(&in)
	switch op {
	case "add":
		d.Sub = f
	case "end":
		f = d.Main
	default:
		d.Main = f
	}
	return s.again(c, "installation", dashboard.View{Admin: "installation", Form: f, Data: d}, err)
}
