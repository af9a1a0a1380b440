package scanner

import (
	"context"
	"encoding/json"
	"fmt"

	"samtykke/scanner/evidence"
	"samtykke/scanner/recording"
)

// Print gives an HTML document that needs no other file as PDF, on A4. The errors no_browser and browser_failed are those
// of Scan.
func Print(ctx context.Context, o Options, document []byte) ([]byte, error) {
	o.defaults()
	program, err := findBrowser(o.Browser)
	if err != nil {
		return nil, err
	}
	t, closeTab, err := openTab(ctx, program, &o, recording.New(evidence.StateNone, o.Now))
	if err != nil {
		return nil, err
	}
	defer closeTab()
	if err := t.open("about:blank"); err != nil {
		return nil, err
	}
	quoted, err := json.Marshal(string(document))
	if err != nil {
		return nil, err
	}
	// Written into an empty page: an address with the document in it may only be so long.
	if !t.holds(fmt.Sprintf("document.open(), document.write(%s), document.close(), true", quoted)) || !t.holds(painted) {
		return nil, fmt.Errorf("the document could not be shown for printing")
	}
	return t.print()
}
