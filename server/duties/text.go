package duties

import (
	"fmt"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// read takes title, text and sections out of the paper's HTML, so that all of them always say the same.
func (p *Paper) read() error {
	doc, err := html.Parse(strings.NewReader(p.HTML))
	if err != nil {
		return fmt.Errorf("read paper %s: %w", p.Name, err)
	}
	var whole strings.Builder
	for n := range doc.Descendants() {
		switch n.DataAtom {
		case atom.H1:
			p.Title = line(n)
		case atom.Main:
			plain(&whole, n)
		case atom.Section:
			p.Sections = append(p.Sections, section(n))
		}
	}
	p.Text = strings.TrimSpace(whole.String()) + "\n"
	return nil
}

func section(n *html.Node) Section {
	s := Section{}
	for _, a := range n.Attr {
		if a.Key == "id" {
			s.ID = a.Val
		}
	}
	var b strings.Builder
	for c := range n.ChildNodes() {
		if c.DataAtom == atom.H2 {
			s.Heading = line(c)
			continue
		}
		block(&b, c)
	}
	s.Text = strings.TrimSpace(b.String())
	return s
}

// plain writes the blocks in n, a line each.
func plain(b *strings.Builder, n *html.Node) {
	number := 0
	for c := range n.ChildNodes() {
		if c.DataAtom == atom.Li {
			number++
			mark := "- "
			if n.DataAtom == atom.Ol {
				mark = fmt.Sprintf("%d. ", number)
			}
			b.WriteString(mark + line(c) + "\n")
			continue
		}
		block(b, c)
	}
	if n.DataAtom == atom.Ul || n.DataAtom == atom.Ol {
		b.WriteString("\n")
	}
}

func block(b *strings.Builder, n *html.Node) {
	switch n.DataAtom {
	case atom.H1, atom.H2, atom.H3, atom.P:
		b.WriteString(line(n) + "\n\n")
	case atom.Dl:
		plain(b, n)
		b.WriteString("\n")
	case atom.Dt:
		b.WriteString(line(n) + ": ")
	case atom.Dd:
		b.WriteString(line(n) + "\n")
	case atom.Table:
		plain(b, n)
		b.WriteString("\n")
	case atom.Tr:
		var cells []string
		for c := range n.ChildNodes() {
			if c.Type == html.ElementNode {
				cells = append(cells, line(c))
			}
		}
		b.WriteString(strings.Join(cells, " | ") + "\n")
	default:
		plain(b, n)
	}
}

// line is all text in n on one line.
func line(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
