package frontier

import (
	"bufio"
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Robots is what a host's robots.txt (RFC 9309) says to this scanner.
type Robots struct {
	rules    []pathRule
	Delay    time.Duration // that it asks for between two pages
	Sitemaps []string
}

// pathRule allows or disallows paths by a pattern with * and a closing $.
type pathRule struct {
	pattern string
	allow   bool
}

// What is read of a robots.txt, and the longest delay that is kept.
const (
	MaxRobots = 512 << 10
	maxRules  = 2000
	maxDelay  = 2 * time.Second
)

// robotName is what site owners call this scanner in their robots.txt.
const robotName = "samtykke"

// ReadRobots reads a robots.txt. Rules for this scanner by name outrank those for everybody.
func ReadRobots(text []byte) Robots {
	var all Robots
	byAgent := map[string]*Robots{"*": {}, robotName: nil}
	var group []*Robots // that the lines belong to
	open := false       // further User-agent lines add to the group
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(make([]byte, 0, 4096), MaxRobots)
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
			all.Sitemaps = append(all.Sitemaps, value)
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
	all.rules, all.Delay = said.rules, said.Delay
	return all
}

func groupOf(byAgent map[string]*Robots, agent string) []*Robots {
	switch {
	case agent == "*":
		return []*Robots{byAgent["*"]}
	case agent == robotName || strings.HasPrefix(agent, robotName+"/"):
		if byAgent[robotName] == nil {
			byAgent[robotName] = &Robots{}
		}
		return []*Robots{byAgent[robotName]}
	}
	return nil
}

func (r *Robots) line(name, value string) {
	if name == "crawl-delay" {
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 {
			r.Delay = time.Duration(min(seconds, maxDelay.Seconds()) * float64(time.Second))
		}
		return
	}
	if value != "" && len(r.rules) < maxRules {
		r.rules = append(r.rules, pathRule{pattern: value, allow: name == "allow"})
	}
}

// Allows says whether a page may be visited. The longest pattern that fits decides, and of two as long the one that
// allows.
func (r *Robots) Allows(page string) bool {
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
