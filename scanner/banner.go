package scanner

import "fmt"

// links lists the addresses that the page links to.
func (t *tab) links() []string {
	var hrefs []string
	_, _ = t.ask(t.frame, "links()", &hrefs)
	return hrefs
}

// exercise scrolls to the end and plays what can be played, in every frame.
func (t *tab) exercise() {
	for _, f := range t.frames() {
		_, _ = t.ask(f, "exercise()", nil)
	}
	t.rec.touch()
}

// banner looks for what asks for consent, in every frame.
func (t *tab) banner() Banner {
	var b Banner
	for _, f := range t.frames() {
		var p struct {
			Own                           bool
			Accept, Reject, Notice, Other string
		}
		if _, err := t.ask(f, "probe()", &p); err != nil {
			continue
		}
		b.Own = b.Own || p.Own
		if p.Accept != "" || p.Reject != "" || p.Notice != "" {
			b.Seen, b.Accept, b.Reject, b.Other = true, p.Accept, p.Reject, p.Other
			if b.Accept == "" {
				b.Accept = p.Notice
			}
			return b
		}
	}
	return b
}

// press clicks, as a mouse does, on the element that plays a role, and says whether there was one to be reached.
func (t *tab) press(role string) bool {
	for _, f := range t.frames() {
		e, err := t.ask(f, fmt.Sprintf("find(%q)", role), nil)
		if err == nil && e != nil && e.ObjectID != "" {
			t.rec.touch()
			return t.click(e.ObjectID)
		}
	}
	return false
}
