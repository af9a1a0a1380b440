package evidencetest

import (
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// Any draws from little alphabets, so that things meet, and now and then something unruly.
func Any(t *rapid.T) evidence.Site {
	odd := rapid.OneOf(rapid.Just(""), rapid.Just("%d"), rapid.String(), rapid.Just(strings.Repeat("x", 5000)))
	urls := rapid.OneOf(rapid.SampledFrom([]string{Shop, Second, tracker, Collect, "https://www.facebook.com/tr/", "https://platform.linkedin.com/in.js", "https://www.googletagmanager.com/gtm.js", "http://[::1", "//x"}), odd)
	hosts := rapid.OneOf(rapid.SampledFrom([]string{"shop.example", ".shop.example", ".doubleclick.net", ""}), odd)
	colours := rapid.SampledFrom([]string{"", "#ffffff", "#1a1a1a", "#ggghhh", "red"})
	sizes := rapid.Float64()
	signals := rapid.MapOfN(rapid.SampledFrom(append(evidence.AskedSignals, evidence.OtherSignals...)), rapid.SampledFrom([]string{"granted", "denied", ""}), 0, 7)
	kinds := rapid.SampledFrom([]consent.ItemKind{consent.Cookie, consent.LocalStorage, ""})
	names := rapid.OneOf(rapid.SampledFrom([]string{"_ga", "_fbp", "IDE", "PHPSESSID", "x_123456789"}), odd)
	life := rapid.Custom(func(t *rapid.T) time.Duration { return time.Duration(rapid.Int64().Draw(t, "ns")) })
	boolean := rapid.Bool()
	stored := rapid.Custom(func(t *rapid.T) evidence.Stored {
		return evidence.Stored{Kind: kinds.Draw(t, "kind"), Name: names.Draw(t, "name"), Host: hosts.Draw(t, "host"), Lifetime: life.Draw(t, "life"), Secure: boolean.Draw(t, "secure")}
	})
	button := rapid.Custom(func(t *rapid.T) evidence.Button {
		return evidence.Button{
			Role: rapid.SampledFrom([]string{"accept", "reject", "other"}).Draw(t, "role"), Label: odd.Draw(t, "label"), Tag: rapid.SampledFrom([]string{"button", "a", ""}).Draw(t, "tag"),
			Width: sizes.Draw(t, "w"), Height: sizes.Draw(t, "h"), FontSize: sizes.Draw(t, "f"), Colour: colours.Draw(t, "c"), Background: colours.Draw(t, "b"), Around: colours.Draw(t, "a"),
			Contrast: sizes.Draw(t, "contrast"), Stands: sizes.Draw(t, "stands"), Bold: boolean.Draw(t, "bold"), Visible: boolean.Draw(t, "visible"),
		}
	})
	banner := rapid.Custom(func(t *rapid.T) evidence.Banner {
		return evidence.Banner{
			Seen: boolean.Draw(t, "seen"), Accept: odd.Draw(t, "accept"), Reject: odd.Draw(t, "reject"), Settings: odd.Draw(t, "settings"), Text: odd.Draw(t, "text"),
			Lang: rapid.SampledFrom([]string{"", "da", "en"}).Draw(t, "lang"), Buttons: rapid.SliceOfN(button, 0, 3).Draw(t, "buttons"), Clicks: rapid.IntRange(0, 3).Draw(t, "clicks"),
			Wall: boolean.Draw(t, "wall"), Boxes: []evidence.Box{{Label: odd.Draw(t, "box"), Category: rapid.SampledFrom([]string{"", "marketing", "necessary"}).Draw(t, "cat"), Checked: boolean.Draw(t, "on")}},
			Problems: []evidence.Problem{{Rule: rapid.SampledFrom([]string{"name", "target", "?"}).Draw(t, "rule"), Element: odd.Draw(t, "element")}},
		}
	})
	state := rapid.Custom(func(t *rapid.T) evidence.State {
		s := evidence.State{State: rapid.SampledFrom(append(slices.Clone(evidence.States), "dream")).Draw(t, "state"), Device: rapid.SampledFrom([]string{"", evidence.Desktop, evidence.Mobile}).Draw(t, "device"), Done: boolean.Draw(t, "done")}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			page, after := urls.Draw(t, "page"), boolean.Draw(t, "after")
			s.Visits = append(s.Visits, evidence.Visit{URL: page, Final: page, Status: 200, HTML: true, After: after, Lang: odd.Draw(t, "lang"), Probed: boolean.Draw(t, "probed"), Banner: banner.Draw(t, "banner")})
			s.Snapshots = append(s.Snapshots, evidence.Snapshot{Page: page, After: after, Hosts: []string{"shop.example"}, Items: rapid.SliceOfN(stored, 0, 3).Draw(t, "items")})
			w := stored.Draw(t, "write")
			s.Writes = append(s.Writes, evidence.Write{Kind: w.Kind, Name: w.Name, Host: w.Host, By: urls.Draw(t, "by"), Stack: []string{urls.Draw(t, "stack")}, Page: page, After: after, Lifetime: w.Lifetime, Kept: boolean.Draw(t, "kept"), Removes: boolean.Draw(t, "removes")})
			s.Requests = append(s.Requests, evidence.Call{URL: urls.Draw(t, "call"), Params: []string{"gclid"}, Pixel: boolean.Draw(t, "pixel"), Type: "image", Page: page, After: after, Order: rapid.IntRange(-1, 9).Draw(t, "order")})
			s.Uses = append(s.Uses, evidence.Use{What: rapid.SampledFrom([]string{"canvas", "audio", "link-decoration"}).Draw(t, "what"), By: urls.Draw(t, "script"), Page: page, After: after, Names: []string{odd.Draw(t, "param")}})
			s.Signals = append(s.Signals, evidence.ConsentSignal{Command: rapid.SampledFrom([]string{"default", "update", ""}).Draw(t, "command"), Values: signals.Draw(t, "values"), Page: page, After: after, Order: rapid.IntRange(-1, 9).Draw(t, "place")})
		}
		return s
	})
	return evidence.Site{URL: urls.Draw(t, "url"), States: rapid.SliceOfN(state, 0, 6).Draw(t, "states"), Phone: state.Draw(t, "phone"), Texts: []evidence.PageText{{URL: urls.Draw(t, "at"), Text: odd.Draw(t, "said")}}}
}

// Eventful is evidence of which a report has something in every list.
func Eventful() evidence.Site {
	e := Good()
	Store(0, Cookie("_fbp", ".shop.example", 90*Day))(&e, nil)
	Store(2, Cookie("_hjSession_12345", "shop.example", 30*time.Minute))(&e, nil)
	Store(2, Cookie("opgave_12345678", "shop.example", 29*time.Minute+58*time.Second))(&e, nil)
	Store(2, Cookie("opgave_99999999", "shop.example", 89*Day+23*time.Hour+59*time.Minute+59*time.Second))(&e, nil)
	Request(0, "https://cdn.example/x.js?id=1", false)(&e, nil)
	return e
}
