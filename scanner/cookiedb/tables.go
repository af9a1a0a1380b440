package cookiedb

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"samtykke/consent"
)

// Tables are facts that others have gathered, as text: one row a line, fields parted by tabs, sorted. `make knowledge`
// makes them from the packages that NOTICE names; a line that starts with # is a comment.
type Tables struct {
	OCD   string // the Open Cookie Database: name, host, category, days, platform, company
	TCF   string // storage that advertisers disclose, from Prebid.js: name, storage, category, days, vendor
	Hosts string // third-party-web: host, category, company
}

//go:embed tables/open-cookie-database.tsv
var ocdTable string

//go:embed tables/prebid.tsv
var tcfTable string

//go:embed tables/third-party-web.tsv
var hostTable string

// Embedded are the tables of this build.
func Embedded() Tables { return Tables{OCD: ocdTable, TCF: tcfTable, Hosts: hostTable} }

// Sources of a match that isn't from a vendor's own file.
const (
	SourceOCD   = "open-cookie-database"
	SourceTCF   = "prebid"
	SourceHosts = "third-party-web"
	SourceModel = "model"
)

// fact is one name in a table, with * where it varies.
type fact struct {
	name, host       string
	category         consent.Category
	days             float64 // 0 for the session, negative where nobody says
	vendor, provider string
	storage          bool // in the browser's storage, not a cookie
}

// catalogue finds facts: names by their spelling, patterns by their first character, the most telling first.
type catalogue struct {
	exact    map[string][]fact
	patterns map[byte][]fact
}

// owned is what a table of hosts says about one.
type owned struct {
	category consent.Category // empty where a host serves many purposes
	worth    float64
	sort     string // the table's own word
	company  string
}

// community is everything in the tables, ready to be asked.
type community struct {
	ocd, tcf catalogue
	hosts    map[string]owned
}

var shared = sync.OnceValue(func() *community { return Embedded().parse() })

func (t Tables) parse() *community {
	c := &community{hosts: map[string]owned{}}
	c.ocd.add(t.ocd())
	c.tcf.add(t.tcf())
	for _, r := range rows(t.Hosts, 3) {
		o := hostSorts[r[1]]
		o.sort, o.company = r[1], r[2]
		c.hosts[r[0]] = o
	}
	return c
}

// hostSorts says what a third party's host is contacted for, where the table's word for it says so, and how often that
// agrees with the vendors' own files. Content, videos, tag managers, hosting and utilities serve every purpose, and
// consent tools aren't necessary in all that they store.
var hostSorts = map[string]owned{
	"ad":               {category: consent.Marketing, worth: 0.85},
	"social":           {category: consent.Marketing, worth: 0.85},
	"marketing":        {category: consent.Marketing, worth: 0.7},
	"customer-success": {category: consent.Preferences, worth: 0.7},
	"analytics":        {category: consent.Statistics, worth: 0.55},
}

func (t Tables) ocd() []fact {
	var all []fact
	for _, r := range rows(t.OCD, 6) {
		all = append(all, fact{name: r[0], host: r[1], category: letters[r[2]], days: number(r[3]), vendor: r[4], provider: r[5]})
	}
	return all
}

func (t Tables) tcf() []fact {
	var all []fact
	for _, r := range rows(t.TCF, 5) {
		all = append(all, fact{name: r[0], storage: r[1] == "web", category: letters[r[2]], days: number(r[3]), vendor: r[4]})
	}
	return all
}

// letters are the categories as tables write them.
var letters = map[string]consent.Category{
	"n": consent.Necessary, "p": consent.Preferences, "s": consent.Statistics, "m": consent.Marketing,
}

func number(s string) float64 {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return -1
	}
	return n
}

func rows(table string, fields int) [][]string {
	var all [][]string
	for line := range strings.Lines(table) {
		r := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(r) == fields && !strings.HasPrefix(line, "# ") {
			all = append(all, r)
		}
	}
	return all
}

func (c *catalogue) add(facts []fact) {
	c.exact, c.patterns = map[string][]fact{}, map[byte][]fact{}
	for _, f := range facts {
		if strings.Contains(f.name, "*") {
			c.patterns[f.name[0]] = append(c.patterns[f.name[0]], f)
		} else {
			c.exact[f.name] = append(c.exact[f.name], f)
		}
	}
	for _, list := range c.patterns {
		slices.SortStableFunc(list, func(a, b fact) int { return len(b.name) - len(a.name) })
	}
}

// find answers with the best fact for a name, and how much it is worth: a name on its vendor's host says most, then
// the name alone, then a pattern. A name that is only known on other hosts is worth less the shorter it is.
func (c *catalogue) find(name, host string, storage bool) (fact, float64) {
	var best fact
	worth := 0.0
	try := func(f fact, w float64) {
		if f.storage != storage && storage {
			w -= 0.1
		}
		if w > worth {
			best, worth = f, w
		}
	}
	for _, f := range c.exact[name] {
		switch {
		case f.host != "" && underHost(host, f.host):
			try(f, 0.85)
		case f.host == "" && len(name) > 2:
			try(f, 0.7)
		case len(name) > 5 && !common[strings.ToLower(name)]:
			try(f, 0.6)
		}
	}
	if name == "" {
		return best, worth
	}
	for _, f := range c.patterns[name[0]] {
		fixed := len(f.name) - strings.Count(f.name, "*")
		if fixed >= 3 && (f.host == "" || underHost(host, f.host) || fixed > 5) && consent.MatchName(f.name, name) {
			try(f, 0.65)
		}
	}
	return best, worth
}

// common names are worth nothing on another host than the one where they are known.
var common = set(`session sessionid session_id userid user_id visitor visitorid visitor_id country language locale
	currency settings preferences version testcookie redirect tracking referrer timestamp`)

func set(words string) map[string]bool {
	s := map[string]bool{}
	for _, w := range strings.Fields(words) {
		s[w] = true
	}
	return s
}

// owner finds what the table of hosts says of the nearest known parent of host.
func (c *community) owner(host string) (owned, bool) {
	for host != "" {
		if o, ok := c.hosts[host]; ok {
			return o, true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return owned{}, false
}
