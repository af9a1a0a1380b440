package scanner

import (
	"context"
	"fmt"

	"samtykke/scanner/evidence"
	"samtykke/scanner/recording"
)

// Shot says what to take a picture of.
type Shot struct {
	URL           string // whatever the browser can reach: whoever asks knows the address to be harmless
	Width, Height int    // of the screen, in CSS pixels
	Mobile        bool   // laid out as phones do
	Ready         string // JavaScript that is true once the screen shows what the picture is to show
}

// Album is what Pictures took.
type Album struct {
	Browser string   // name and version
	PNG     [][]byte // in the order of the shots
}

// Pictures takes a picture of each shot, one after the other in one Chromium with a fresh profile. It takes all of them
// or returns an error; of the options Browser, MapHosts and PageTimeout count. The errors no_browser and browser_failed are
// those of Scan.
func Pictures(ctx context.Context, o Options, shots []Shot) (Album, error) {
	o.AllowPrivate = true
	o.defaults()
	program, err := findBrowser(o.Browser)
	if err != nil {
		return Album{}, err
	}
	t, closeTab, err := openTab(ctx, program, &o, recording.New(evidence.StateNone, o.Now))
	if err != nil {
		return Album{}, err
	}
	defer closeTab()
	a := Album{Browser: t.version()}
	for _, s := range shots {
		png, err := t.shoot(s)
		if err != nil {
			return Album{}, fmt.Errorf("picture of %s: %w", s.URL, err)
		}
		a.PNG = append(a.PNG, png)
	}
	return a, nil
}

// painted comes when fonts are there and everything has been drawn once more.
const painted = `document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))`

func (t *tab) shoot(s Shot) ([]byte, error) {
	// Two addresses that differ in the fragment are one document to the browser, which would not load it anew.
	if err := t.open("about:blank"); err != nil {
		return nil, err
	}
	if err := t.lens(s.Width, s.Height, s.Mobile); err != nil {
		return nil, err
	}
	if err := t.open(s.URL); err != nil {
		return nil, err
	}
	v := visitor{crawl: &crawl{o: t.o}, tab: t}
	if !v.until(t.o.PageTimeout, func() bool { return t.holds("!!(" + s.Ready + ")") }) || !t.holds(painted) {
		return nil, fmt.Errorf("not ready after %s", t.o.PageTimeout)
	}
	return t.capture()
}
