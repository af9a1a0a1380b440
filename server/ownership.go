package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"

	"samtykke/consent"
	"samtykke/server/store"
)

const (
	proofTimeout  = 15 * time.Second // for one address
	maxProof      = 1 << 20          // bytes of a front page that are read
	maxProofFile  = 4 << 10
	maxProofHops  = 5
	proofFilePath = "/.well-known/samtykke-site.txt"
)

// proofToken is what a file or a TXT record of a domain says to be the site's. It needs no secret: only who runs the domain can
// put it there, and it names no other site.
func proofToken(site *consent.Site) string { return "samtykke-site=" + site.ID }

// homeDomain is the domain under which the site's scan starts; "" where the homepage is under none of its domains.
func homeDomain(site *consent.Site) string {
	u, err := url.Parse(site.Home())
	if err != nil {
		return ""
	}
	for _, d := range site.Domains {
		if consent.Covers(d, u.Hostname()) {
			return d
		}
	}
	return ""
}

// prove looks whether a domain is the site's (H4): by the site's own tag on its front page, a file, or a TXT record.
func (s *Server) prove(ctx context.Context, site *consent.Site, domain string) (store.Proof, *consent.Error) {
	answered := false
	for _, base := range proofBases(site, domain) {
		page, err := s.fetch(ctx, domain, base+"/", maxProof)
		if err != nil {
			continue
		}
		if answered = true; hasTag(page, site) {
			return store.ProofTag, nil
		}
		file, err := s.fetch(ctx, domain, base+proofFilePath, maxProofFile)
		if err == nil && slices.Contains(strings.Fields(string(file)), proofToken(site)) {
			return store.ProofFile, nil
		}
	}
	if s.inDNS(ctx, site, domain) {
		return store.ProofDNS, nil
	}
	if !answered {
		return "", &consent.Error{Kind: consent.KindConflict, Code: "domain_silent", Message: "Nothing was found in the DNS, and there was no answer from " + domain + "."}
	}
	return "", &consent.Error{Kind: consent.KindConflict, Code: "not_proven", Message: "The website's code was not found at " + domain + ", nor was the file or the TXT record."}
}

// proofBases are the origins at which a domain is asked: the homepage's first, since it knows scheme and port.
func proofBases(site *consent.Site, domain string) []string {
	bases := []string{"https://" + domain, "http://" + domain}
	if u, err := url.Parse(site.Home()); err == nil && consent.Covers(domain, u.Hostname()) {
		home := u.Scheme + "://" + u.Host
		bases = append([]string{home}, slices.DeleteFunc(bases, func(b string) bool { return b == home })...)
	}
	return bases
}

var errOtherSite = errors.New("it leads to another domain")

// fetch reads an address of a domain. What redirects elsewhere proves nothing.
func (s *Server) fetch(ctx context.Context, domain, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	client := *s.cfg.Fetch
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > maxProofHops || !consent.Covers(domain, r.URL.Hostname()) {
			return errOtherSite
		}
		return nil
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "samtykke (looks whether this domain belongs to its site)")
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if res.StatusCode != http.StatusOK {
		return nil, nil // it answers, but not with this
	}
	return body, err
}

// hasTag finds the site's own script in a page: under whatever address, since it may be served through the site's own, or as
// Cookiebot's. What stands in comments, texts or other scripts is no tag.
func hasTag(page []byte, site *consent.Site) bool {
	z := html.NewTokenizer(bytes.NewReader(page))
	z.SetMaxBuf(maxProof)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			if t := z.Token(); t.Data == "script" && isTag(t.Attr, site) {
				return true
			}
		}
	}
}

func isTag(attrs []html.Attribute, site *consent.Site) bool {
	var file, cbid string
	for _, a := range attrs {
		switch a.Key {
		case "src":
			if u, err := url.Parse(strings.TrimSpace(a.Val)); err == nil {
				file = u.Path
				cbid = u.Query().Get("cbid") + cbid
			}
		case "data-cbid":
			cbid = a.Val
		}
	}
	return strings.HasSuffix(file, "/s/"+site.ID+".js") ||
		site.Banner.CBID != "" && path.Base(file) == "uc.js" && strings.EqualFold(cbid, site.Banner.CBID)
}

func (s *Server) inDNS(ctx context.Context, site *consent.Site, domain string) bool {
	if _, err := netip.ParseAddr(strings.Trim(domain, "[]")); err == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, proofTimeout)
	defer cancel()
	records, err := s.cfg.LookupTXT(ctx, domain)
	return err == nil && slices.Contains(records, proofToken(site))
}

// checkDomain proves a domain and stores how that ended. It tells by alarm when a domain is lost, and ends that when it is
// back. A person's look is put down each time, the program's own when it changes something.
func (s *Server) checkDomain(ctx context.Context, site *consent.Site, domain, who string) (store.Domain, error) {
	known, err := s.db.Domains(ctx, site.ID)
	if err != nil {
		return store.Domain{}, err
	}
	was := known[domain]
	d := store.Domain{Name: domain, CheckedAt: s.cfg.Now().UTC().Truncate(time.Millisecond)}
	if d.Method, d.Problem = s.prove(ctx, site, domain); ctx.Err() != nil {
		return d, ctx.Err()
	}
	var deeds []consent.Deed
	if who != consent.ByJob || was.Proven() != d.Proven() {
		result := map[string]any{"proven": d.Proven()}
		if d.Proven() {
			result["method"] = string(d.Method)
		}
		deeds = append(deeds, consent.NewDeed(d.CheckedAt, who, "ownership_checked", site.ID).With(domain, result))
	}
	if err := s.db.SetDomain(ctx, site.ID, d, deeds...); err != nil {
		return d, err
	}
	lost := was.Method != "" && !d.Proven()
	return d, s.db.ChangeAlarms(ctx, site.ID, d.CheckedAt, func(open []store.Alarm) (raise []store.Alarm, solved []int64) {
		for _, a := range open {
			if a.Kind == store.AlarmDomain && a.Subject == domain && d.Proven() {
				solved = append(solved, a.Num)
			}
		}
		if lost {
			raise = append(raise, store.Alarm{Kind: store.AlarmDomain, Subject: domain, About: map[string]string{"domain": domain}})
		}
		return raise, solved
	})
}

// mayScan refuses a site whose domain isn't proven (H4).
func (s *Server) mayScan(ctx context.Context, site *consent.Site) error {
	domain := homeDomain(site)
	if domain == "" {
		return &consent.Error{Kind: consent.KindConflict, Code: "foreign_homepage", Message: "The homepage is under none of the website's domains. Correct it in the settings."}
	}
	known, err := s.db.Domains(ctx, site.ID)
	if err != nil {
		return err
	}
	if d := known[domain]; !d.Proven() {
		return &consent.Error{Kind: consent.KindConflict, Code: "domain_not_proven", Message: "Show first that the domain is the website's own."}
	}
	return nil
}
