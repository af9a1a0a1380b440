package scanner

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"samtykke/consent"
)

// Judge says what in the evidence the owner should look at. It is a pure function: the same evidence and the same
// declaration give the same findings, worst first. A nil declaration means that none is known; an empty one, that
// nothing is declared.
func Judge(e Evidence, declared []consent.Item) []consent.Finding {
	c := &scene{e: &e, declared: declared, items: collectItems(&e, declared), requests: collectRequests(&e)}
	findings := []consent.Finding{}
	for i := range verdicts {
		v := &verdicts[i]
		severity, evidence := v.judge(c)
		if len(evidence) == 0 {
			continue
		}
		findings = append(findings, consent.Finding{
			Code: v.code, Severity: cmp.Or(severity, v.severity), Requirement: v.requirement,
			Title: v.title(), Advice: v.advice(), Evidence: bound(evidence),
		})
	}
	slices.SortStableFunc(findings, func(a, b consent.Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return findings
}

func rank(s consent.Severity) int { return slices.Index(consent.Severities(), s) }

// maxEvidence keeps a finding readable; the items and requests of the report hold the rest.
const maxEvidence = 50

func bound(lines []string) []string {
	if len(lines) <= maxEvidence {
		return lines
	}
	return append(lines[:maxEvidence:maxEvidence], fmt.Sprintf("… and %d more", len(lines)-maxEvidence))
}

// scene is what the verdicts look at.
type scene struct {
	e        *Evidence
	declared []consent.Item
	items    []Item
	requests []Request
}

// A judge returns a line of evidence for each thing that it found, and a severity where it differs from the usual.
type judge func(*scene) (consent.Severity, []string)

func isStorage(it *Item) bool { return it.Kind != consent.Cookie }
func isCookie(it *Item) bool  { return it.Kind == consent.Cookie }

// worst is critical where something known to be optional is among the items; only unclassified ones are high.
func worst(known bool) consent.Severity {
	if known {
		return consent.Critical
	}
	return consent.High
}

func beforeConsent(kind func(*Item) bool) judge {
	return func(c *scene) (consent.Severity, []string) {
		known := false
		var lines []string
		for i := range c.items {
			it := &c.items[i]
			if kind(it) && it.Category != consent.Necessary && slices.Contains(it.States, StateNone) {
				known = known || it.Category.Optional()
				lines = append(lines, it.line(StateNone))
			}
		}
		return worst(known), lines
	}
}

// line names an item for a finding.
func (it *Item) line(state string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s (%s, %s", state, it.Kind, it.Name, strings.TrimPrefix(it.Host, "."), it.Category)
	if it.Tried {
		b.WriteString(", refused by the browser")
	}
	b.WriteString(")")
	if it.SetBy != "" {
		b.WriteString(" set by " + it.SetBy)
	}
	if len(it.Pages) > 0 {
		b.WriteString(" on " + it.Pages[0])
	}
	return b.String()
}

func (r *Request) line() string {
	return fmt.Sprintf("%s: %s %s (%s) on %s", r.State, r.Type, r.URL, r.Category, r.Page)
}

// calls are the requests to third parties in a state that are not necessary, one line a host and page.
func (c *scene) calls(match func(*Request) bool) (known bool, lines []string) {
	type place struct{ host, page string }
	seen := map[place]bool{}
	for i := range c.requests {
		r := &c.requests[i]
		at := place{r.Host, r.Page}
		if r.Category == consent.Necessary || !match(r) {
			continue
		}
		known = known || r.Category.Optional()
		if !seen[at] {
			seen[at] = true
			lines = append(lines, r.line())
		}
	}
	return known, lines
}

func requestBeforeConsent(c *scene) (consent.Severity, []string) {
	known, lines := c.calls(func(r *Request) bool { return r.State == StateNone })
	return worst(known), lines
}

func afterReject(c *scene) (consent.Severity, []string) {
	known, lines := c.calls(func(r *Request) bool { return r.State == StateReject })
	for i := range c.items {
		it := &c.items[i]
		if it.Category != consent.Necessary && slices.Contains(it.States, StateReject) {
			known = known || it.Category.Optional()
			lines = append(lines, it.line(StateReject))
		}
	}
	return worst(known), lines
}

// afterWithdraw spares what a third party left behind and nobody set again: only its owner can remove it, and it
// does nothing as long as nobody asks for it.
func afterWithdraw(c *scene) (consent.Severity, []string) {
	known, lines := c.calls(func(r *Request) bool { return r.State == StateWithdraw })
	for i := range c.items {
		it := &c.items[i]
		if it.Category == consent.Necessary || !slices.Contains(it.States, StateWithdraw) {
			continue
		}
		if it.SetAgain || it.Party == consent.FirstParty {
			known = known || it.Category.Optional()
			lines = append(lines, it.line(StateWithdraw))
		}
	}
	return worst(known), lines
}

func undeclared(c *scene) (consent.Severity, []string) {
	return "", c.each(func(it *Item) string {
		if c.declared == nil || findDeclared(c.declared, it) != nil {
			return ""
		}
		return it.line(strings.Join(it.States, " "))
	})
}

// each collects one line for every item that has something to say.
func (c *scene) each(say func(*Item) string) []string {
	var lines []string
	for i := range c.items {
		if line := say(&c.items[i]); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// declaredNotSeen needs a scan that saw the site with everything allowed; otherwise absence says nothing.
func declaredNotSeen(c *scene) (consent.Severity, []string) {
	if !c.e.state(StateAccept).Done {
		return "", nil
	}
	var lines []string
	for i := range c.declared {
		d := &c.declared[i]
		seen := slices.ContainsFunc(c.items, func(it Item) bool {
			return d.Kind == it.Kind && d.Matches(it.Name) && sameHost(d.Host, it.Host)
		})
		if !seen {
			lines = append(lines, fmt.Sprintf("%s %s (%s, %s)", d.Kind, d.Name, d.Host, d.Category))
		}
	}
	return "", lines
}

func unclassified(c *scene) (consent.Severity, []string) {
	lines := c.each(func(it *Item) string {
		if it.Category != consent.Unclassified {
			return ""
		}
		return it.line(strings.Join(it.States, " "))
	})
	if len(lines) > 0 {
		lines = slices.Insert(lines, 0, fmt.Sprintf("%d of %d", len(lines), len(c.items)))
	}
	return "", lines
}

func misclassified(c *scene) (consent.Severity, []string) {
	return "", c.each(func(it *Item) string {
		d := findDeclared(c.declared, it)
		switch {
		case d == nil || d.Category != consent.Necessary:
			return ""
		case it.Category.Optional():
			return fmt.Sprintf("%s %s is declared necessary; %s knows it as %s", it.Kind, it.Name, it.Source, it.Category)
		case d.Reason["da"] == "" && d.Reason["en"] == "":
			return fmt.Sprintf("%s %s is declared necessary without a reason", it.Kind, it.Name)
		}
		return ""
	})
}

// longest is the usual limit of 13 months, counted as the longest 13 months can be.
const longest = 397 * 24 * time.Hour

func tooLong(c *scene) (consent.Severity, []string) {
	return "", c.each(func(it *Item) string {
		if it.Kind != consent.Cookie || it.lifetime() <= longest {
			return ""
		}
		return fmt.Sprintf("cookie %s (%s) lasts %s", it.Name, it.Host, inWords(it.lifetime()))
	})
}

// lifetimeMismatch grants a fiftieth, since a lifetime is stated in round words and measured in seconds.
func lifetimeMismatch(c *scene) (consent.Severity, []string) {
	return "", c.each(func(it *Item) string {
		d := findDeclared(c.declared, it)
		if d == nil || d.Lifetime == consent.Persistent {
			return ""
		}
		if seen := it.lifetime(); seen == consent.Persistent || seen > d.Lifetime+d.Lifetime/50+time.Minute {
			return fmt.Sprintf("%s %s (%s) is declared to last %s and lasts %s", it.Kind, it.Name, it.Host, inWords(d.Lifetime), inWords(seen))
		}
		return ""
	})
}

// inWords says how long something lasts.
func inWords(d time.Duration) string {
	switch {
	case d < 0:
		return "until it is removed"
	case d == 0:
		return "until the browser closes"
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d.Round(24*time.Hour)/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d.Round(time.Hour)/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d.Round(time.Minute)/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}

// asksForConsent says whether the site does what needs a banner.
func (c *scene) asksForConsent() []string {
	lines := c.each(func(it *Item) string {
		if it.Category == consent.Necessary {
			return ""
		}
		return it.line(strings.Join(it.States, " "))
	})
	_, calls := c.calls(func(*Request) bool { return true })
	return append(lines, calls...)
}

func (c *scene) bannerSeen() bool {
	return slices.ContainsFunc(c.e.state(StateNone).Visits, func(v Visit) bool { return v.Banner.Seen })
}

func noBanner(c *scene) (consent.Severity, []string) {
	if !c.e.state(StateNone).Done || c.bannerSeen() {
		return "", nil
	}
	return "", c.asksForConsent()
}

func noReject(c *scene) (consent.Severity, []string) {
	for _, v := range c.e.state(StateNone).Visits {
		if v.Banner.Seen {
			if v.Banner.Reject != "" {
				return "", nil
			}
			if v.Banner.Other != "" {
				return consent.High, []string{fmt.Sprintf("%s: the banner has “%s” and “%s”, and no button was recognised as a refusal", v.URL, v.Banner.Accept, v.Banner.Other)}
			}
			return "", []string{fmt.Sprintf("%s: the banner has “%s” and no button that refuses", v.URL, v.Banner.Accept)}
		}
	}
	return "", nil
}

func reprompt(c *scene) (consent.Severity, []string) {
	s := c.e.state(StateReject)
	if !s.Done {
		return "", nil
	}
	var lines []string
	for _, v := range s.Visits {
		if v.After && v.Banner.Seen {
			lines = append(lines, "reject: the banner asks again on "+v.URL)
		}
	}
	return "", lines
}

func missingOnSubpage(c *scene) (consent.Severity, []string) {
	if !c.bannerSeen() {
		return "", nil
	}
	var lines []string
	for _, v := range c.e.state(StateNone).Visits {
		readable := v.HTML && v.Status == 200 && c.e.party(hostOf(v.Final)) == consent.FirstParty
		if readable && !v.Banner.Seen {
			lines = append(lines, "none: no banner on "+v.URL)
		}
	}
	return "", lines
}

func insecure(c *scene) (consent.Severity, []string) {
	return "", c.each(func(it *Item) string {
		if it.Kind != consent.Cookie || it.Tried || it.Category == consent.Necessary && it.Party == consent.FirstParty {
			return ""
		}
		var missing []string
		if !it.Secure {
			missing = append(missing, "Secure")
		}
		if it.SameSite == "" {
			missing = append(missing, "SameSite")
		}
		if len(missing) == 0 {
			return ""
		}
		return fmt.Sprintf("cookie %s (%s) is set without %s", it.Name, it.Host, strings.Join(missing, " and "))
	})
}
