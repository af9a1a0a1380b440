package server

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
	"samtykke/widget"
)

// noticeList is the page on which a site's draft is published.
type noticeList struct {
	Heads   []store.NoticeHead
	Unsure  int      // unclassified items of the draft
	Bare    []string // its necessary items without a reason
	Changed bool     // the draft differs from what is published
	Ready   bool     // there is a controller to name
	Changes []changeGroup
}

func (s *Server) noticesPage(c echo.Context) error {
	v, err := s.siteView(c, "notices")
	if err != nil {
		return err
	}
	v.Form = &dashboard.Form{Values: map[string][]string{"material": {"yes"}, "reason": {c.QueryParam("reason")}}}
	if v.Data, err = s.noticeList(c, v.Site); err != nil {
		return err
	}
	return s.show(c, "notices", v)
}

func (s *Server) noticeList(c echo.Context, site *consent.Site) (noticeList, error) {
	ctx := c.Request().Context()
	heads, err := s.db.NoticeHeads(ctx, site.ID)
	if err != nil {
		return noticeList{}, err
	}
	items, err := s.db.Items(ctx, site.ID)
	if err != nil {
		return noticeList{}, err
	}
	d := noticeList{Heads: heads, Unsure: unclassified(items), Bare: unreasoned(items), Changed: true, Ready: site.Controller.Name != ""}
	n, err := s.currentNotice(ctx, site.ID)
	if err == nil && n != nil {
		draft := content(site, items)
		if d.Changed = differs(draft, n.Content); d.Changed {
			d.Changes, err = changesOf(&n.Content, &draft, dashboard.For(languageOf(c)))
		}
	}
	return d, err
}

// publishNotice makes the draft the site's next notice. Where items are unclassified the owner must say that this is
// known (D12).
func (s *Server) publishNotice(c echo.Context) error {
	f, err := readForm(c)
	if err != nil {
		return err
	}
	v, err := s.siteView(c, "notices")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	d, err := s.noticeList(c, v.Site)
	if err != nil {
		return err
	}
	if d.Unsure > 0 && f.Get("confirm") != "yes" {
		err = wrongField("unclassified", "The notice is not published yet.", "confirm", "Confirm that unclassified entries remain, or sort them first.")
	} else {
		p := Publishing{Author: userOf(c).Email, Reason: f.Get("reason"), Material: f.Get("material") != "no"}
		_, err = s.Publish(ctx, v.Site.ID, p)
	}
	if err != nil {
		v.Form, v.Data = f, d
		return s.again(c, "notices", v, onField(err))
	}
	return seeOther(c, "/sites/"+v.Site.ID+"?done=published")
}

// onField puts an error of Publish beside the field that it is about.
func onField(err error) error {
	field := map[string]string{"no_reason": "reason", "must_be_material": "material"}
	var e *consent.Error
	if errors.As(err, &e) && field[e.Code] != "" {
		return wrongField(e.Code, "The notice is not published yet.", field[e.Code], e.Message)
	}
	return err
}

// noticeDetail is one notice, as it was frozen.
type noticeDetail struct {
	consent.Notice
	Current  bool
	Layers   []firstLayer // one a language
	Groups   []itemGroup
	Resealed consent.Hash // what the stored notice's hash is now
	Intact   bool         // it is what it was at publishing, and so is everything else
	Pictures noticePictures
}

// Replay is where the notice is shown again with its own script.
func (d noticeDetail) Replay(language string, layer int) string {
	return replayPath(d.Site, d.Version, language, layer)
}

// noticePage shows a notice and proves then and there that it is what was published (R4, R5). A notice that can't even be
// read any more is told of in the same place.
func (s *Server) noticePage(c echo.Context) error {
	v, err := s.siteView(c, "notices")
	v.Deep = true
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	heads, err := s.db.NoticeHeads(ctx, v.Site.ID)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(heads, func(h store.NoticeHead) bool { return strconv.Itoa(h.Version) == c.Param("version") })
	if at < 0 {
		return errNoNotice()
	}
	head := heads[at]
	d := noticeDetail{Current: at == 0}
	if d.Resealed, d.Intact, err = s.db.Reseal(ctx, head.Hash); err != nil {
		return err
	}
	if d.Notice, err = s.db.Notice(ctx, head.Hash); err != nil {
		if d.Intact {
			return err
		}
		d.Notice = consent.Notice{Hash: head.Hash, Site: v.Site.ID, Version: head.Version, ValidFrom: head.ValidFrom, Author: head.Author, Reason: head.Reason}
	}
	d.Groups = grouped(d.Content.Items)
	for _, lang := range d.Content.Banner.Languages {
		d.Layers = append(d.Layers, newFirstLayer(&d.Content, lang))
	}
	if d.Pictures, err = s.picturesOf(ctx, &d.Notice); err != nil {
		return err
	}
	v.Data = d
	v.Title = dashboard.For(languageOf(c)).T("notice.heading", d.Version)
	return s.show(c, "notice", v)
}

// firstLayer is what a visitor read first, with the placeholders filled in.
type firstLayer struct {
	Language                          string
	Title, Intro, Hint                string
	Purposes                          []purpose
	Accept, Reject, Choose            string
	Declaration, Privacy, PrivacyLink string
}

type purpose struct{ Name, Purpose string }

// newFirstLayer lays out a notice's texts in the order in which the banner shows them.
func newFirstLayer(c *consent.Content, lang string) firstLayer {
	t := widget.Shown(c, lang)
	l := firstLayer{
		Language: lang, Title: t["title"], Intro: strings.ReplaceAll(t["intro"], "{third_parties}", t["third_parties"]), Hint: t["withdraw_hint"],
		Accept: t["accept"], Reject: t["reject"], Choose: t["choose"], Declaration: t["declaration"], Privacy: t["privacy"], PrivacyLink: c.Banner.PrivacyURL,
	}
	for _, k := range slices.Concat([]consent.Category{consent.Necessary}, c.Banner.Categories) {
		if name := t[string(k)+"_name"]; name != "" {
			l.Purposes = append(l.Purposes, purpose{name, t[string(k)+"_purpose"]})
		}
	}
	return l
}

// itemGroup is the items of one category.
type itemGroup struct {
	Category consent.Category
	Items    []consent.Item
}

// grouped sorts items into their categories, the unclassified first: they need somebody's attention.
func grouped(items []consent.Item) []itemGroup {
	var groups []itemGroup
	for _, k := range slices.Concat([]consent.Category{consent.Unclassified}, consent.Categories()) {
		g := itemGroup{Category: k}
		for _, it := range items {
			if it.Category == k {
				g.Items = append(g.Items, it)
			}
		}
		if len(g.Items) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}
