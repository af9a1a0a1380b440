package scanner

import (
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"

	"samtykke/scanner/evidence"
)

// manner is how a visitor comes to a site.
type manner struct {
	device string // Desktop or Mobile; "" for Desktop
	gpc    bool   // with Global Privacy Control
}

// The screen of an ordinary phone, in CSS pixels.
const (
	phoneWidth  = 390
	phoneHeight = 844
)

// gpcJS makes a frame say what browsers with Global Privacy Control say (W3C GPC), before any script of the page.
const gpcJS = `Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: Object.getOwnPropertyDescriptor({ get globalPrivacyControl() { return true } }, "globalPrivacyControl").get, enumerable: true, configurable: true })`

// dress makes a tab behave as the visitor does.
func (t *tab) dress(m manner) error {
	agent := emulation.SetUserAgentOverrideParams{UserAgent: t.agent(m.device), AcceptLanguage: "da-DK,da,en", UserAgentMetadata: t.hints(m.device)}
	if m.device == evidence.Mobile {
		agent.Platform = "Linux armv81"
	}
	_, err := call(t, emulation.SetUserAgentOverride, agent)
	if err == nil && m.device == evidence.Mobile {
		if err = t.lens(phoneWidth, phoneHeight, true); err == nil {
			_, err = call(t, emulation.SetTouchEmulationEnabled, emulation.SetTouchEmulationEnabledParams{Enabled: true, MaxTouchPoints: 5})
		}
	}
	if err == nil && m.gpc {
		_, err = call(t, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Sec-GPC": "1"}})
		if err == nil {
			_, err = call(t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: gpcJS})
		}
	}
	return err
}

// major is the browser's first version number.
func (t *tab) major() string {
	_, version, _ := strings.Cut(t.profile.version, "/")
	major, _, _ := strings.Cut(version, ".")
	return major
}

// agent is the user agent of the same browser in a visitor's hands: nothing of it says that nobody looks.
func (t *tab) agent(device string) string {
	system, mobile := "X11; Linux x86_64", ""
	if device == evidence.Mobile {
		system, mobile = "Linux; Android 10; K", " Mobile"
	}
	return "Mozilla/5.0 (" + system + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + t.major() + ".0.0.0" + mobile + " Safari/537.36"
}

// hints are the same in the form of client hints.
func (t *tab) hints(device string) *emulation.UserAgentMetadata {
	m := emulation.UserAgentMetadata{
		Brands:   []*emulation.UserAgentBrandVersion{{Brand: "Chromium", Version: t.major()}, {Brand: "Not_A Brand", Version: "24"}},
		Platform: "Linux", Architecture: "x86",
	}
	if device == evidence.Mobile {
		m.Platform, m.PlatformVersion, m.Architecture, m.Model, m.Mobile = "Android", "10", "", "K", true
	}
	return &m
}
