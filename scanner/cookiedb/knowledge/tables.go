package main

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// lines writes a table: sorted, each row once, under a comment that says where it is from.
func lines(comment string, rows [][]string) string {
	clean := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	text := make([]string, len(rows))
	for i, r := range rows {
		fields := make([]string, len(r))
		for j, f := range r {
			fields[j] = strings.TrimSpace(clean.Replace(f))
		}
		text[i] = strings.Join(fields, "\t")
	}
	slices.Sort(text)
	return "# " + comment + "\n" + strings.Join(slices.Compact(text), "\n") + "\n"
}

func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// cookie is one entry of the Open Cookie Database. Its description is read for what it says and never kept.
type cookie struct {
	Cookie, Domain, Category, Description, RetentionPeriod, DataController, WildcardMatch string
}

func openCookieDatabase(modules string) (string, error) {
	platforms := map[string][]cookie{}
	if err := readJSON(filepath.Join(modules, "@slashgear/gdpr-cookie-scanner/dist/data/open-cookie-database.json"), &platforms); err != nil {
		return "", err
	}
	var rows [][]string
	for platform, cookies := range platforms {
		most := mostly(cookies)
		for _, c := range cookies {
			name := pattern(c.Cookie)
			if c.WildcardMatch == "1" && !strings.Contains(name, "*") {
				name += "*"
			}
			if name == "" || name[0] == '*' || strings.ContainsAny(name, " ;") {
				continue
			}
			for _, host := range hosts(c.Domain) {
				rows = append(rows, []string{name, host, c.category(platform, most), days(c.RetentionPeriod), platform, c.DataController})
			}
		}
	}
	return lines("Open Cookie Database (Apache-2.0), from @slashgear/gdpr-cookie-scanner: name, host, category, days, platform, company", rows), nil
}

var placeholder = regexp.MustCompile(`\[[^\]]*\]|<[^>]*>|\{[^}]*\}|\$\([^)]*\)|#+|\*+|[xX]{3,}`)

// pattern writes a name's placeholders as *.
func pattern(name string) string {
	return strings.ReplaceAll(placeholder.ReplaceAllString(strings.TrimSpace(name), "*"), "**", "*")
}

var domain = regexp.MustCompile(`[a-z0-9-]+(\.[a-z0-9-]+)+`)

// hosts reads a field like ".bing.com (3rd party) or .microsoft.com (3rd party)"; none is the empty host.
func hosts(field string) []string {
	if all := domain.FindAllString(strings.ToLower(field), -1); len(all) > 0 {
		return all
	}
	return []string{""}
}

var period = regexp.MustCompile(`(\d+) *(s|mi|h|d|w|mo|y)`)

// days reads "13 months" into days; empty where it says nothing.
func days(s string) string {
	s = strings.ToLower(s)
	m := period.FindStringSubmatch(s)
	if m == nil {
		if strings.Contains(s, "session") || strings.Contains(s, "seesion") {
			return "0"
		}
		return ""
	}
	n, _ := strconv.ParseFloat(m[1], 64)
	unit := map[string]float64{"s": 1. / 86400, "mi": 1. / 1440, "h": 1. / 24, "d": 1, "w": 7, "mo": 30, "y": 365}[m[2]]
	return strconv.FormatFloat(n*unit, 'g', 3, 64)
}

// category is the entry's in this product's terms. “Functional” is two things to us, necessary and preferences, and
// sometimes neither: what the entry's name and description speak of decides, then what else its platform is for.
func (c *cookie) category(platform, mostly string) string {
	if k := categories[c.Category]; k != "" {
		return k
	}
	says := strings.ToLower(c.Cookie + " " + c.Description + " " + platform)
	for _, r := range functional {
		if r.words.MatchString(says) {
			return r.category
		}
	}
	switch {
	case mostly != "":
		return mostly
	case session.MatchString(says):
		return "n"
	}
	return "p"
}

var categories = map[string]string{"Marketing": "m", "Analytics": "s", "Security": "n", "Necessary": "n", "Personalization": "p"}

var functional = []struct {
	category string
	words    *regexp.Regexp
}{
	{"n", regexp.MustCompile(`csrf|xsrf|forger|\bbots?\b|captcha|load.?balanc|same server|affinity|sticki|sticky`)},
	{"m", regexp.MustCompile(`advertis|retarget|remarket|\bads?\b|conversion`)},
	{"n", regexp.MustCompile(`fraud|secur|authenti|log ?in\b|logged|log on|sign(s|ed)? in|sign-?on|cart\b|basket|checkout|payment|consent|gdpr|cookie ?(law|banner|notice|polic|accept|choice|agree)|(use|level) of (the )?cookie|privacy|opt(ed)?.?(out|in)\b|web ?server|\brout(e|ing)`)},
	{"p", regexp.MustCompile(`languag|locali[sz]|locale|currency|preference|prefer|chat|recently|compar|wish ?list|theme|layout|video|player|volume|pop-?up|modal|newsletter|dismiss|hidden|hide|display settings|remember`)},
	{"s", regexp.MustCompile(`statisti|analy[stz]|measur|experiment|a/b|survey|heatmap|pageview|page view|visitor id|unique visitor|tracks?\b|tracking`)},
}

var session = regexp.MustCompile(`session|necessary|essential|user id|request|cookies are enabled|javascript`)

// mostly is what a platform's cookies are for where they aren't called functional, if one purpose outweighs all else.
func mostly(cookies []cookie) string {
	n := map[string]int{}
	for _, c := range cookies {
		n[categories[c.Category]]++
	}
	for _, k := range []string{"m", "s"} {
		if 2*n[k] > len(cookies) {
			return k
		}
	}
	return ""
}

func thirdPartyWeb(modules string) (string, error) {
	var entities []struct {
		Name, Company, Category string
		Domains                 []string
	}
	if err := readJSON(filepath.Join(modules, "third-party-web/dist/entities-nostats.json"), &entities); err != nil {
		return "", err
	}
	var rows [][]string
	seen := map[string]bool{}
	for _, e := range entities {
		for _, d := range e.Domains {
			d = strings.TrimPrefix(strings.ToLower(d), "*.")
			if !seen[d] && domain.FindString(d) == d {
				seen[d] = true
				rows = append(rows, []string{d, e.Category, cmp.Or(e.Company, e.Name)})
			}
		}
	}
	return lines("third-party-web (MIT): host, category, company", rows), nil
}

// disclosed is one entry of a vendor's storage disclosure.
type disclosed struct {
	Identifier    string
	Type          string
	MaxAgeSeconds *float64
	Purposes      []int
}

// prebidTarball is the package as `npm pack` leaves it: it is too heavy to be installed by everyone.
const prebidTarball = ".cache/prebid.js-11.36.0.tgz"

// prebid reads the tarball, of which everything but the metadata is of no use here.
func prebid(modules string) (string, error) {
	f, err := os.Open(filepath.Join(modules, prebidTarball))
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(head.Name, "package/metadata/modules/") {
			if files[head.Name], err = io.ReadAll(r); err != nil {
				return "", err
			}
		}
	}
	return disclosures(files)
}

func disclosures(files map[string][]byte) (string, error) {
	var rows [][]string
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var module struct {
			Disclosures map[string]struct{ Disclosures []disclosed }
			Components  []struct{ ComponentName string }
		}
		if err := json.Unmarshal(files[name], &module); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		for _, from := range slices.Sorted(maps.Keys(module.Disclosures)) {
			for _, d := range module.Disclosures[from].Disclosures {
				key := from + " " + d.Type + " " + d.Identifier
				id := pattern(d.Identifier)
				if seen[key] || id == "" || id[0] == '*' || len(module.Components) == 0 {
					continue
				}
				seen[key] = true
				rows = append(rows, []string{id, d.Type, d.category(), d.days(), module.Components[0].ComponentName})
			}
		}
	}
	return lines("Storage disclosures in the metadata of Prebid.js (Apache-2.0): name, storage, category, days, vendor", rows), nil
}

func (d *disclosed) days() string {
	if d.Type != "cookie" || d.MaxAgeSeconds == nil {
		return ""
	}
	return strconv.FormatFloat(*d.MaxAgeSeconds/86400, 'g', 3, 64)
}

var (
	choice  = regexp.MustCompile(`(?i)consent|gdpr|opt-?out|tcf|usprivacy|uspapi`)
	setting = regexp.MustCompile(`(?i)volume|quality|caption|muted|language|locale`)
)

// category reads the declared purposes of the TCF: 2 to 4 and 7 are advertising, 8 to 10 measuring. Purpose 1 alone,
// storing, says nothing; those who declare it so are in advertising.
func (d *disclosed) category() string {
	ads, measures := false, false
	for _, p := range d.Purposes {
		ads = ads || p >= 2 && p <= 6
		measures = measures || p >= 8 && p <= 9
	}
	switch {
	case !ads && choice.MatchString(d.Identifier):
		return "n"
	case !ads && setting.MatchString(d.Identifier):
		return "p"
	case !ads && measures:
		return "s"
	}
	return "m"
}
