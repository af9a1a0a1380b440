package consent

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Site is one website that shows a banner. It belongs to one controller.
type Site struct {
	ID         string     `json:"id"`   // made by NewSiteID; part of the script's address
	Name       string     `json:"name"` // what the owner calls it
	Domains    []string   `json:"domains"`
	Homepage   string     `json:"homepage"` // where the banner is found; default https:// and the first domain
	Controller Controller `json:"controller"`
	Banner     Banner     `json:"banner"` // the draft; what visitors see is the published Notice
	Retention  Retention  `json:"retention,omitzero"`
	Scanning   Scanning   `json:"scanning,omitzero"`
	Reviewed   time.Time  `json:"reviewed,omitzero"` // when somebody last looked at how long things are kept (T12)
	CreatedAt  time.Time  `json:"created_at"`
}

// Controller is the organisation that answers for a site's processing (GDPR art. 4(7), 13(1)(a)); D6.
type Controller struct {
	Name    string `json:"name"`
	CVR     string `json:"cvr,omitempty"` // Danish company number, eight digits
	Address string `json:"address,omitempty"`
	Email   string `json:"email,omitempty"`
	Phone   string `json:"phone,omitempty"`
	DPO     string `json:"dpo,omitempty"` // contact of the data protection officer, if there is one
}

const maxDomains = 50

var (
	siteID = regexp.MustCompile(`^[a-z0-9]{8,20}$`)
	cvr    = regexp.MustCompile(`^\d{8}$`)
)

// ValidSiteID says whether s can be a site's id.
func ValidSiteID(s string) bool { return siteID.MatchString(s) }

// Validate checks everything but the id and the banner.
func (s *Site) Validate() error {
	var f fields
	f.add(s.Name == "" || len(s.Name) > 100, "name", "Give the website a name of at most 100 characters.")
	f.add(len(s.Domains) == 0, "domains", "Name at least one domain.")
	f.add(len(s.Domains) > maxDomains, "domains", "A website has at most 50 domains.")
	for _, d := range s.Domains {
		f.add(!ValidDomain(d), "domains", clip(d)+" is not a domain name such as example.dk.")
	}
	f.add(s.Homepage != "" && !isWebAddress(s.Homepage), "homepage", "The address must start with https:// or http://.")
	c := s.Controller
	f.add(len(c.Name) > 200, "controller.name", "At most 200 characters.")
	f.add(c.CVR != "" && !cvr.MatchString(c.CVR), "controller.cvr", "A CVR number has eight digits.")
	f.add(len(c.Address) > 300, "controller.address", "At most 300 characters.")
	f.add(c.Email != "" && !strings.Contains(c.Email, "@") || len(c.Email) > 200, "controller.email", "Give an e-mail address.")
	f.add(len(c.Phone) > 40, "controller.phone", "At most 40 characters.")
	f.add(len(c.DPO) > 300, "controller.dpo", "At most 300 characters.")
	s.Retention.check(&f)
	s.Scanning.check(&f)
	return f.err("bad_site", "The website's details are not right yet.")
}

// Home is the address where the site's banner can be opened.
func (s *Site) Home() string {
	if s.Homepage != "" || len(s.Domains) == 0 {
		return s.Homepage
	}
	return "https://" + s.Domains[0] + "/"
}

// AllowsOrigin says whether a page of this origin ("https://shop.dk") may send consents for the site: a domain
// stands for itself and its subdomains, on any port (R11).
func (s *Site) AllowsOrigin(origin string) bool {
	rest, ok := strings.CutPrefix(origin, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(origin, "http://"); !ok {
			return false
		}
	}
	host := rest
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && !strings.HasSuffix(rest, "]") {
		host = rest[:i]
	}
	for _, d := range s.Domains {
		if Covers(d, host) {
			return true
		}
	}
	return false
}

// Covers says whether a domain stands for a host: itself and its subdomains.
func Covers(domain, host string) bool {
	return host == domain || len(host) > len(domain) && strings.HasSuffix(host, domain) && host[len(host)-len(domain)-1] == '.'
}

var domainName = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ValidDomain wants a lower-case host name (punycode for other letters) or an IP address, no port and no path.
func ValidDomain(d string) bool {
	if _, err := netip.ParseAddr(strings.Trim(d, "[]")); err == nil {
		return true
	}
	return len(d) <= 253 && domainName.MatchString(d) && (strings.Contains(d, ".") || d == "localhost")
}

func isWebAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(s) <= 500
}
