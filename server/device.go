package server

import (
	"net/http"
	"slices"
	"strings"

	"samtykke/server/store"
)

// deviceClass tells the kind of device that a request comes from, for counting alone. Browsers that tell whether they are mobile
// are believed; of others a few words of what they call themselves are looked at. Nothing that was sent is kept.
func deviceClass(h http.Header) store.Device {
	agent := h.Get("User-Agent")
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(agent, w) })
	}
	switch mobile := h.Get("Sec-CH-UA-Mobile"); {
	case mobile == "?1":
		return store.Phone
	case says("iPad"), says("Android") && (mobile == "?0" || !says("Mobile")): // Android says "Mobile" on phones alone
		return store.Tablet
	case mobile == "?0":
		return store.Computer
	case says("Mobile", "iPhone"):
		return store.Phone
	case says("Windows NT", "Macintosh", "X11", "CrOS"):
		return store.Computer
	}
	return store.UnknownDevice
}

// deviceOf tells a browser and a system in words that people know their own by: "Firefox, Windows". Versions stay out of it.
func deviceOf(agent string) string {
	first := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	// Most browsers claim to be others too; the first that fits is the one.
	browser := first("Edg", "Edge", "OPR/", "Opera", "Vivaldi", "Vivaldi", "SamsungBrowser", "Samsung Internet", "Firefox", "Firefox", "FxiOS", "Firefox",
		"Chrome", "Chrome", "CriOS", "Chrome", "Safari", "Safari", "curl", "curl")
	system := first("Windows", "Windows", "iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	return strings.Trim(browser+", "+system, ", ")
}
