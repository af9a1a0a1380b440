package server

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/server/store"
)

// The processor's papers. Programs read them; accepting one is a person's declaration.

type apiOperator struct {
	SelfHosted bool   `json:"self_hosted"` // there is no processor
	Name       string `json:"name"`
	CVR        string `json:"cvr,omitempty"`
	Address    string `json:"address,omitempty"`
	Country    string `json:"country,omitempty"`
	Email      string `json:"email,omitempty"`
}

type apiSubProcessor struct {
	Name     string `json:"name"`
	CVR      string `json:"cvr,omitempty"`
	Country  string `json:"country"`
	Task     string `json:"task"`
	Since    string `json:"since"`
	Until    string `json:"until,omitempty"`
	Transfer string `json:"transfer,omitempty"`
}

type apiPaper struct {
	Name      string   `json:"name"`
	Version   int      `json:"version"`
	Date      string   `json:"date"` // of its words
	Languages []string `json:"languages"`
}

type apiAcceptance struct {
	ID         int64     `json:"id"`
	Paper      string    `json:"paper"`
	Version    int       `json:"version"`
	Language   string    `json:"language"`
	Processor  string    `json:"processor"`
	Controller string    `json:"controller"`
	Name       string    `json:"name"`
	Email      string    `json:"email"`
	At         time.Time `json:"at"`
	InForce    bool      `json:"in_force"` // of the present words between the present parties
}

// apiPapers lists a site's papers, who processes, with whose help, and what was accepted.
func (s *Server) apiPapers(c echo.Context) error {
	d, err := s.dutiesData(c.Request().Context(), siteOf(c), languageOf(c))
	if err != nil {
		return err
	}
	out := struct {
		Ready         bool              `json:"ready"` // papers can be written: processor and controller are known
		Operator      apiOperator       `json:"operator"`
		Location      string            `json:"location,omitempty"`
		SubProcessors []apiSubProcessor `json:"sub_processors"`
		Papers        []apiPaper        `json:"papers"`
		Accepted      []apiAcceptance   `json:"accepted"`
	}{d.Ready, apiOperator(d.Operator), d.Location, []apiSubProcessor{}, []apiPaper{}, []apiAcceptance{}}
	for _, p := range d.SubProcessors {
		out.SubProcessors = append(out.SubProcessors, apiSubProcessor{p.Name, p.CVR, p.Country, p.Task, dateOf(p.Since), dateOf(p.Until), p.Transfer})
	}
	for _, k := range d.Kinds {
		if !d.Certificate(k) { // it comes with the deletion
			out.Papers = append(out.Papers, apiPaper{k.Name, k.Version, dateOf(k.Date), d.Languages})
		}
	}
	for _, a := range d.Accepted {
		out.Accepted = append(out.Accepted, apiAcceptance{
			a.Num, a.Paper, a.Version, a.Language, a.Processor, a.Controller, a.Name, a.Email, a.At, d.InForce != nil && d.InForce.Num == a.Num,
		})
	}
	return c.JSON(http.StatusOK, out)
}

// dateOf is a day as programs read it; "" where there is none.
func dateOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// apiDeleteSite deletes a site with everything of it and answers with the certificate. Naming the site is what typing its name is
// on the dashboard.
func (s *Server) apiDeleteSite(c echo.Context) error {
	site := siteOf(c)
	if c.QueryParam("name") != site.Name {
		return wrongField("not_confirmed", "Nothing was deleted.", "name", "Give the website's name exactly as it is.")
	}
	paper, gone, err := s.deleteWhole(c, site)
	if err != nil {
		return err
	}
	out := struct {
		Site        string          `json:"site"`
		At          time.Time       `json:"at"`
		Deleted     apiDeleted      `json:"deleted"`
		Certificate *apiCertificate `json:"certificate,omitempty"`
	}{gone.Site, gone.At, newAPIDeleted(&gone), nil}
	if paper != nil {
		out.Certificate = &apiCertificate{languageOf(c), paper.HTML}
	}
	return c.JSON(http.StatusOK, out)
}

type apiDeleted struct {
	Acts     int64 `json:"acts"`
	Notices  int64 `json:"notices"`
	Pictures int64 `json:"pictures"`
	Scans    int64 `json:"scans"`
	Days     int64 `json:"days"` // on which choices were counted
}

func newAPIDeleted(d *store.Deleted) apiDeleted {
	return apiDeleted{d.Acts, d.Notices, d.Pictures, d.Scans, d.Days}
}

type apiCertificate struct {
	Language string `json:"language"`
	HTML     string `json:"html"`
}

// apiReturn puts what an older notice asked with into the draft, the declaration too where that is wished.
func (s *Server) apiReturn(c echo.Context) error {
	var in struct {
		Declaration bool `json:"declaration"`
	}
	if err := readJSON(c, &in); err != nil {
		return err
	}
	_, site, err := s.backTo(c, in.Declaration)
	if err != nil {
		return err
	}
	return withETag(c, http.StatusOK, site.Banner, site.Banner)
}

type apiPicture struct {
	File     string    `json:"file"`
	Language string    `json:"language"`
	Device   string    `json:"device"`
	Layer    int       `json:"layer"`
	Width    int       `json:"width"`
	Height   int       `json:"height"`
	Bytes    int64     `json:"bytes"`
	At       time.Time `json:"at"`
	Browser  string    `json:"browser"`
}

// apiPictures lists the pictures of a notice.
func (s *Server) apiPictures(c echo.Context) error {
	h, err := s.noticeHash(c)
	if err != nil {
		return err
	}
	n, err := s.db.Notice(c.Request().Context(), h)
	if err != nil {
		return err
	}
	d, err := s.picturesOf(c.Request().Context(), &n)
	if err != nil {
		return err
	}
	out := []apiPicture{}
	for _, a := range d.Albums {
		for _, p := range a.Pictures {
			out = append(out, apiPicture{p.File, p.Language, p.Device, p.Layer, p.Width, p.Height, p.Size, p.At, p.Browser})
		}
	}
	return c.JSON(http.StatusOK, map[string][]apiPicture{"results": out})
}

// apiRetakePictures has the pictures of a notice taken that has none.
func (s *Server) apiRetakePictures(c echo.Context) error {
	if err := s.pictureAgain(c); err != nil {
		return err
	}
	return c.NoContent(http.StatusAccepted)
}
