package server

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
)

// packPage offers the inspection pack of a site, by default for the year that ends today.
func (s *Server) packPage(c echo.Context) error {
	v, err := s.siteView(c, "pack")
	if err != nil {
		return err
	}
	today := s.cfg.Now().UTC()
	v.Form = &dashboard.Form{Values: map[string][]string{
		"from": {today.AddDate(-1, 0, 1).Format(time.DateOnly)}, "to": {today.Format(time.DateOnly)},
	}}
	return s.show(c, "pack", v)
}

// packFile sends the pack. It is written to a file of its own first: half of one must never look like a whole one.
func (s *Server) packFile(c echo.Context) error {
	v, err := s.siteView(c, "pack")
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{Values: trimmed(c.QueryParams())}
	q, err := readInspection(v.Site.ID, v.Form)
	if err != nil {
		return s.again(c, "pack", v, err)
	}
	if err := s.exported(c, v.Site.ID, "pack", v.Form.Values); err != nil {
		return err
	}
	q.By, q.PDF = userOf(c).Email, true
	f, err := s.packed(c, q)
	if err != nil {
		return s.again(c, "pack", v, err)
	}
	defer f.Close()
	return s.sendPack(c, q, f)
}

func readInspection(site string, f *dashboard.Form) (q Inspection, err error) {
	q.Site = site
	wrong := map[string]string{}
	day := func(name string) time.Time {
		t, err := time.Parse(time.DateOnly, f.Get(name))
		if err != nil {
			wrong[name] = "Give a day."
		}
		return t
	}
	q.From, q.To = day("from"), day("to").AddDate(0, 0, 1)
	if v := f.Get("visitor"); v != "" {
		if q.Visitor, err = uuid.Parse(v); err != nil {
			wrong["visitor"] = "Give the id that the banner shows."
		}
	}
	if len(wrong) > 0 {
		return q, &consent.Error{Kind: consent.KindInvalid, Code: "bad_pack", Message: "The inspection pack can't be made from this.", Fields: wrong}
	}
	return q, nil
}

// packed writes the pack into a file that has no name any more.
func (s *Server) packed(c echo.Context, q Inspection) (*os.File, error) {
	f, err := os.CreateTemp("", "samtykke-pack-")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(packTimeout)) // writers without deadlines have none to extend
	if err == nil {
		err = WritePack(c.Request().Context(), s.db, s.cfg.BaseURL, s.cfg.Now(), q, f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// packTimeout bounds making and sending a pack.
const packTimeout = 10 * time.Minute

func (s *Server) sendPack(c echo.Context, q Inspection, f *os.File) error {
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", `attachment; filename="samtykke-`+q.Site+"-"+q.From.Format(time.DateOnly)+`.zip"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	return c.Stream(http.StatusOK, "application/zip", f)
}
