package server

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/dashboard"
	"samtykke/server/store"
)

// auditData is a page of an audit log.
type auditData struct {
	Rows        []auditRow
	Base        string // address of the log without its ending
	Next, First string // queries of other pages, as in consentList
	Filtered    bool
	Deeds       []string // all codes, in the order of their words
}

// auditRow is an entry as people read it.
type auditRow struct {
	store.AuditEntry
	About   string // what it was done to, where there is more to say than the site
	Changes []auditChange
}

// auditChange is a field that was changed. Values that weren't there are empty.
type auditChange struct {
	Label, Code string // one of them: the field's words, or its name where there are none
	Old, New    string
	Was         bool // there was an old value
}

// auditPage shows what people did with a site (P3).
func (s *Server) auditPage(c echo.Context) error {
	v, err := s.siteView(c, "audit")
	if err != nil {
		return err
	}
	return s.showAudit(c, v, "/sites/"+v.Site.ID+"/audit", v.Site.ID)
}

// installationAuditPage shows what people did with the installation: logins, people, keys.
func (s *Server) installationAuditPage(c echo.Context) error {
	return s.showAudit(c, dashboard.View{Admin: "audit"}, "/audit", "")
}

func (s *Server) showAudit(c echo.Context, v dashboard.View, base, site string) error {
	q, words := c.QueryParams(), dashboard.For(languageOf(c))
	v.Form = &dashboard.Form{Values: trimmed(q)}
	d := auditData{Base: base, Filtered: q.Get("what")+q.Get("who") != "", Deeds: slices.Clone(consent.Deeds)}
	slices.SortFunc(d.Deeds, func(a, b string) int { return cmp.Compare(words.T("deed."+a), words.T("deed."+b)) })
	f := store.DeedFilter{Site: site, What: v.Form.Get("what"), Who: v.Form.Get("who"), After: q.Get("after")}
	page, next, err := s.db.Deeds(c.Request().Context(), f)
	v.Data = d
	if err != nil {
		return s.again(c, "audit", v, err)
	}
	names, err := s.orgNames(c, site, words)
	if err != nil {
		return err
	}
	for _, e := range page {
		d.Rows = append(d.Rows, auditRow{e, aboutWords(&e.Deed, words, names), auditChanges(&e.Deed, words, names)})
	}
	if next != "" {
		d.Next = withAfter(q, next)
	}
	if f.After != "" {
		d.First = withAfter(q, "")
	}
	v.Data = d
	return s.show(c, "audit", v)
}

// orgNames are the names of the organisations that the reader may know of, by id.
func (s *Server) orgNames(c echo.Context, site string, words *dashboard.Words) (map[string]string, error) {
	names := map[string]string{}
	for _, m := range userOf(c).Members {
		names[m.Org.ID] = orgName(m.Org, words)
	}
	if site != "" {
		return names, nil
	}
	all, err := s.db.Organisations(c.Request().Context())
	for _, o := range all {
		names[o.ID] = orgName(o, words)
	}
	return names, err
}

// aboutWords says what a deed was done to. Some are done to a publication, whose number is put into a sentence.
func aboutWords(d *consent.Deed, words *dashboard.Words, names map[string]string) string {
	key := "deed.about." + d.What
	if _, err := strconv.Atoi(d.Object); err == nil && words.Has(key) {
		return words.T(key, d.Object)
	}
	if key += "." + d.Object; words.Has(key) {
		return words.T(key)
	}
	return cmp.Or(names[d.Object], d.Object)
}

// auditChanges lists what a deed changed, in the order of the fields' names.
func auditChanges(d *consent.Deed, words *dashboard.Words, names map[string]string) []auditChange {
	all := maps.Clone(d.Old)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, d.New)
	var list []auditChange
	for _, name := range slices.Sorted(maps.Keys(all)) {
		change := auditChange{Label: fieldWords(name, words), Old: valueWords(name, d.Old[name], words), New: valueWords(name, d.New[name], words)}
		if name == "organisation" {
			change.Old, change.New = cmp.Or(names[change.Old], change.Old), cmp.Or(names[change.New], change.New)
		}
		if change.Label == "" {
			change.Code = name
		}
		_, change.Was = d.Old[name]
		list = append(list, change)
	}
	return list
}

// fieldWords is what the dashboard calls a field; "" where it has no name for it.
func fieldWords(name string, words *dashboard.Words) string {
	short := strings.TrimPrefix(name, "banner.")
	if parts := strings.Split(short, "."); len(parts) == 3 && parts[0] == "texts" && words.Has("field.texts."+parts[2]) {
		return words.T("field.texts."+parts[2]) + " (" + dashboard.LanguageName(parts[1]) + ")"
	}
	for _, key := range []string{"audit.field." + short, "field." + short, "field.controller." + strings.TrimPrefix(short, "operator.")} {
		if words.Has(key) {
			return words.T(key)
		}
	}
	return ""
}

// valuesOf says which words the values of some fields have.
var valuesOf = map[string]string{"filter.action": "action.", "filter.category": "category.", "role": "role.", "scopes": "scope.", "method": "domains."}

// valueWords writes a field's value for people.
func valueWords(name string, v any, words *dashboard.Words) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if key := valuesOf[name] + v; valuesOf[name] != "" && words.Has(key) {
			return words.T(key)
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil {
			return timeWords(t, words)
		}
		return v
	case bool:
		return words.T(map[bool]string{true: "audit.yes", false: "audit.no"}[v])
	case []any:
		list := make([]string, len(v))
		for i := range v {
			list[i] = valueWords(name, v[i], words)
		}
		return strings.Join(list, ", ")
	}
	if fields, ok := v.(map[string]any); ok {
		var list []string
		for _, k := range slices.Sorted(maps.Keys(fields)) {
			if label := fieldWords(name+"."+k, words); label != "" {
				list = append(list, label+": "+valueWords(k, fields[k], words))
			}
		}
		if len(list) > 0 {
			return strings.Join(list, ", ")
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "" // what was read from JSON can be written as such
	}
	return string(b)
}

// timeWords writes a time; a day where it is the beginning of one in UTC, as days without a clock are stored.
func timeWords(t time.Time, words *dashboard.Words) string {
	if t = t.UTC(); t.Equal(t.Truncate(24 * time.Hour)) {
		return words.Day(t)
	}
	return words.Moment(t)
}

// exportAuditLog streams a site's audit log with its proofs.
func (s *Server) exportAuditLog(c echo.Context) error {
	site, err := s.db.Site(c.Request().Context(), c.Param("site"))
	if err != nil {
		return err
	}
	return s.sendAudit(c, site.ID, "samtykke-"+site.ID+"-audit.jsonl")
}

// exportInstallationAuditLog streams that of the installation.
func (s *Server) exportInstallationAuditLog(c echo.Context) error {
	return s.sendAudit(c, "", "samtykke-audit.jsonl")
}

func (s *Server) sendAudit(c echo.Context, site, name string) error {
	ctx := c.Request().Context()
	if err := s.exported(c, site, "audit", nil); err != nil { // this is in it too
		return err
	}
	if err := s.db.SignLogs(ctx, s.cfg.Now()); err != nil {
		return err
	}
	log, _, err := s.db.AuditLog(ctx, site)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Type", "application/jsonl; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	s.extendWrite(c)()
	if err := exportAudit(ctx, s.db, site, log, time.Time{}, time.Time{}, c.Response()); err != nil {
		if !c.Response().Committed {
			h.Del("Content-Disposition")
			return err
		}
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	}
	return nil
}
