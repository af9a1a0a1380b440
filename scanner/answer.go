package scanner

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// answer answers the banner and waits until it is gone and the page quiet. A banner may still be sliding in. An answer
// that led to another page was only one if the banner stays away from where it was.
func (v *visitor) answer(role string) bool {
	at := v.tab.address()
	v.until(v.o.PageTimeout/4, func() bool { return v.tab.banner().Seen })
	tool := v.respond(role)
	if tool == "" {
		return false
	}
	_ = v.settle()
	if v.tab.address() != at {
		if back := v.visit(v.pages[0]); back.Status == 0 || back.Banner.Seen {
			return false
		}
	}
	v.tool = tool
	v.tab.snapshot()
	return true
}

// respond gives the answer and says who understood it: this product's own interface, a rule of autoconsent, or the label
// that was pressed; "" where nothing was pressed or the banner stayed. Nothing else than an answer is ever pressed.
func (v *visitor) respond(role string) string {
	if v.tab.banner().Own {
		if v.until(v.o.PageTimeout/4, func() bool { return v.tab.press(role) }) && v.bannerGone() {
			return "samtykke"
		}
		return ""
	}
	if name, ok := v.autoconsent(role); ok && v.bannerGone() {
		return "autoconsent: " + name
	} else if name != "" && !v.tab.banner().Seen {
		return "" // it went away, and the tool doesn't call it an answer
	}
	if label := v.byLabel(role); label != "" {
		return label
	}
	if role == "reject" {
		return v.inSecondLayer()
	}
	return ""
}

func (v *visitor) bannerGone() bool {
	return v.until(v.o.PageTimeout/2, func() bool { return !v.tab.banner().Seen })
}

// byLabel presses the button whose label is known.
func (v *visitor) byLabel(role string) string {
	var label string
	pressed := v.until(v.o.PageTimeout/4, func() bool {
		b := v.tab.banner()
		if label = b.Reject; role == "accept" {
			label = b.Accept
		}
		if role == "reject" && b.Reject == "" && (b.Settings != "" || b.Save != "") {
			return true // there is another way
		}
		return v.tab.press(role)
	})
	if !pressed || label == "" || !v.bannerGone() {
		return ""
	}
	return label
}

// inSecondLayer refuses where the first layer has no button for it: by the button of the second layer, or by storing
// the choices with everything off. It names the labels on the way.
func (v *visitor) inSecondLayer() string {
	way := ""
	if first := v.tab.banner(); first.Settings != "" {
		way = first.Settings + " → "
		if !v.openSettings() {
			return ""
		}
	}
	if second := v.tab.banner(); second.Reject != "" {
		if v.tab.press("reject") && v.bannerGone() {
			return way + second.Reject
		}
		return ""
	}
	save := v.tab.banner().Save
	if save == "" || !v.tab.untick() || !v.tab.press("save") || !v.bannerGone() {
		return ""
	}
	return way + save
}

// openSettings opens the second layer and waits until there is more to choose, or another way to close it.
func (v *visitor) openSettings() bool {
	before, n := v.tab.banner(), v.tab.boxed()
	return v.tab.press("settings") && v.until(v.o.PageTimeout/4, func() bool {
		b := v.tab.banner()
		return v.tab.boxed() > n || b.Reject != "" && b.Reject != before.Reject || b.Save != "" && b.Save != before.Save
	})
}

// boxed counts the choices that the banner shows.
func (t *tab) boxed() (n int) {
	if _, at := t.findBanner(); at != "" {
		_, _ = t.ask(at, "choices()", &n)
	}
	return n
}

// untick switches off every choice of the banner that is on, and says whether all of them went.
func (t *tab) untick() bool {
	_, at := t.findBanner()
	if at == "" {
		return false
	}
	for range 50 {
		e, err := t.ask(at, "untick()", nil)
		if err != nil || e == nil || e.ObjectID == "" {
			break
		}
		t.click(e.ObjectID)
	}
	left := 1
	_, err := t.ask(at, "left()", &left)
	return err == nil && left == 0
}

//go:embed tools.json
var toolsJSON []byte

// consentTool is a tool's documented interface: how to know that it is there, to open its choices again, and to withdraw.
type consentTool struct{ Name, There, Reopen, Withdraw string }

var consentTools = func() (list []consentTool) {
	if err := json.Unmarshal(toolsJSON, &list); err != nil {
		panic("tools.json: " + err.Error())
	}
	return list
}()

// withdraw takes the consent back on the start page and then visits the pages anew. What the old page still does
// until it is left doesn't count, so the new window opens on an empty page.
func (v *visitor) withdraw(own bool) bool {
	v.tell("", "withdraw the consent")
	v.visit(v.pages[0])
	if own && !v.tab.withdrawOwn() || !own && !v.withdrawElsewhere() {
		v.tell("", "the consent could not be withdrawn")
		return false
	}
	_ = v.settle()
	v.tab.snapshot()
	_ = v.tab.open("about:blank")
	_ = v.settle()
	v.tab.rec.Answered()
	v.visitAll()
	return true
}

// withdrawElsewhere withdraws where the tool is not ours: as a visitor would, by a button that says so or by opening the
// banner again and refusing; else by the tool's documented interface.
func (v *visitor) withdrawElsewhere() bool {
	accepted := v.tool
	defer func() { v.tool = accepted }() // the state is named for what brought it about
	return v.reopenAndReject() || v.byInterface()
}

func (v *visitor) reopenAndReject() bool {
	at := v.tab.address()
	if v.tab.press("withdraw") {
		_ = v.settle()
		if v.tab.banner().Seen {
			return v.answer("reject")
		}
		return v.tab.address() == at // another page may only tell how to
	}
	if !v.tab.press("reopen") {
		return false
	}
	return v.until(v.o.PageTimeout/4, v.reopened) && v.answer("reject")
}

// reopened says whether there is anything to refuse with.
func (v *visitor) reopened() bool {
	b := v.tab.banner()
	return b.Reject != "" || b.Save != "" || b.Settings != "" && b.Seen
}

func (v *visitor) byInterface() bool {
	for _, tool := range consentTools {
		if !v.tab.holds("!!(" + tool.There + ")") {
			continue
		}
		if v.tab.does(tool.Reopen) && v.until(v.o.PageTimeout/4, v.reopened) && v.answer("reject") {
			return true
		}
		if tool.Withdraw != "" && v.tab.does(tool.Withdraw) {
			return true
		}
	}
	return false
}

// does runs a statement in the page and says whether it got through.
func (t *tab) does(statement string) bool {
	return t.holds(fmt.Sprintf("(() => { try { %s; return true } catch { return false } })()", statement))
}
