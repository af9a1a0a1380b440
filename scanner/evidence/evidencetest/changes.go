package evidencetest

import (
	"slices"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Change is one thing made wrong in the good site, so that each row shows that the code comes and that it doesn't
// come without the change.
type Change func(e *evidence.Site, d *[]consent.Item)

// Store puts a thing into what the browser held at the end of a state.
func Store(state int, s evidence.Stored) Change {
	return func(e *evidence.Site, _ *[]consent.Item) {
		last := &e.States[state].Snapshots[len(e.States[state].Snapshots)-1]
		last.Items = append(last.Items, s)
	}
}

// Request has a state call a script.
func Request(state int, url string, after bool) Change {
	return WithCall(state, evidence.Call{URL: url, Type: "script", Page: Shop, After: after})
}

// WithCall adds a request to a state.
func WithCall(state int, c evidence.Call) Change {
	return func(e *evidence.Site, _ *[]consent.Item) {
		e.States[state].Requests = append(e.States[state].Requests, c)
	}
}

// Write adds an attempt to store something to a state.
func Write(state int, w evidence.Write) Change {
	return func(e *evidence.Site, _ *[]consent.Item) { e.States[state].Writes = append(e.States[state].Writes, w) }
}

// WithBanner changes the banner of the start page on both screens.
func WithBanner(edit func(*evidence.Banner)) Change {
	return func(e *evidence.Site, _ *[]consent.Item) {
		edit(&e.States[0].Visits[0].Banner)
		edit(&e.Phone.Visits[0].Banner)
	}
}

// WithRefusal changes the button that refuses.
func WithRefusal(edit func(*evidence.Button)) Change {
	return WithBanner(func(b *evidence.Banner) {
		b.Buttons = slices.Clone(b.Buttons)
		edit(&b.Buttons[1])
	})
}

// WithVisit changes a page load of a state.
func WithVisit(state, i int, edit func(*evidence.Visit)) Change {
	return func(e *evidence.Site, _ *[]consent.Item) { edit(&e.States[state].Visits[i]) }
}

// WithUse adds to a state that a script read what tells browsers apart.
func WithUse(state int, u evidence.Use) Change {
	return func(e *evidence.Site, _ *[]consent.Item) { e.States[state].Uses = append(e.States[state].Uses, u) }
}

// WithSignals replaces what a state's pages told Google's tags.
func WithSignals(state int, s ...evidence.ConsentSignal) Change {
	return func(e *evidence.Site, _ *[]consent.Item) { e.States[state].Signals = s }
}
