package scanner

import (
	"bufio"
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// robots is what a host's robots.txt (RFC 9309) says to this scanner.
type robots struct {
	rules    []pathRule
	delay    time.Duration // that it asks for between two pages
	sitemaps []string
}

// pathRule allows or disallows paths by a pattern with * and a closing $.
type pathRule struct {
	pattern string
	allow   bool
}

// What is read of a robots.txt, and the longest delay that is kept.
const (
	maxRobots = 512 << 10
	maxRules  = 2000
	maxDelay  = 2 * time.Second
)

// robotName is what site owners call this scanner in their robots.txt.
const robotName = "samtykke"

// readRobots reads a robots.txt. Rules for this scanner by name outrank those for everybody.
func readRobots(text []byte) robots {
	var all robots
	byAgent := map[string]*robots{"*": {}, robotName: nil}
	var group []*robots // that the lines belong to
	open := false       // further User-agent lines add to the group
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(make([]byte, 0, 4096), maxRobots)
	for lines.Scan() {
		line, _, _ := strings.Cut(strings.TrimPrefix(lines.Text(), "\ufeff"), "#")
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch name {
		case "user-agent":
			if !open {
				group = nil
			}
			open = true
			group = append(group, groupOf(byAgent, strings.ToLower(value))...)
		case "sitemap":
			all.sitemaps = append(all.sitemaps, value)
		case "allow", "disallow", "crawl-delay":
			open = false
			for _, g := range group {
				g.line(name, value)
			}
		}
	}
	said := byAgent["*"]
	if named := byAgent[robotName]; named != nil {
		said = named
	}
	all.rules, all.delay = said.rules, said.delay
	return all
}

func groupOf(byAgent map[string]*robots, agent string) []*robots {
	switch {
	case agent == "*":
		return []*robots{byAgent["*"]}
	case agent == robotName || strings.HasPrefix(agent, robotName+"/"):
		if byAgent[robotName] == nil {
			byAgent[robotName] = &robots{}
		}
		return []*robots{byAgent[robotName]}
	}
	return nil
}

func (r *robots) line(name, value string) {
	if name == "crawl-delay" {
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			r.delay = time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second))
		}
		return
	}
	if value != "" && len(r.rules) < maxRules {
		r.rules = append(r.rules, pathRule{pattern: value, allow: name == "allow"})
	}
}

// allows says whether a page may be visited. The longest pattern that fits decides, and of two as long the one that
// allows.
func (r *robots) allows(page string) bool {
	u, err := url.Parse(page)
	if err != nil {
		return false
	}
	at := u.EscapedPath()
	if u.RawQuery != "" {
		at += "?" + u.RawQuery
	}
	allowed, longest := true, -1
	for _, rule := range r.rules {
		if n := len(rule.pattern); (n > longest || n == longest && rule.allow) && fits(rule.pattern, at) {
			allowed, longest = rule.allow, n
		}
	}
	return allowed
}

// fits says whether a path begins as a pattern says.
func fits(pattern, at string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(at, parts[0]) {
		return false
	}
	at = at[len(parts[0]):]
	for i, part := range parts[1:] {
		if whole && i == len(parts)-2 {
			return strings.HasSuffix(at, part)
		}
		n := strings.Index(at, part)
		if n < 0 {
			return false
		}
		at = at[n+len(part):]
	}
	return !whole || at == ""
}
