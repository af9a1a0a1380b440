package scanner

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"samtykke/consent"
)

// parseStart wants a web address such as a person would type; https:// is added where there is no scheme.
func parseStart(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || len(raw) > 2000 {
		return nil, consent.Invalid("bad_url", "Give a web address to scan, such as https://shop.dk/.")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// checkPublic refuses a start page on this machine or in a private network, so that a scan can't be used to look
// around behind a firewall. Where a name leads must be known: what can't be resolved here, or reads as a number, may
// lead anywhere in the browser.
func checkPublic(ctx context.Context, host string, mapped map[string]string) error {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if addr, ok := mapped[host]; ok {
		host = addr
		if h, _, err := net.SplitHostPort(addr); err == nil {
			host = h
		}
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return errPrivate(host)
	}
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return checkAddr(host, a)
	}
	if isNumber(host[strings.LastIndexByte(host, '.')+1:]) {
		return errPrivate(host)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return &consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: clip(host, 100) + " is not a name that leads anywhere."}
	}
	for _, a := range addrs {
		if err := checkAddr(host, a); err != nil {
			return err
		}
	}
	return nil
}

// isNumber says whether the last label of a host makes browsers read all of it as an IPv4 address, as in 2130706433,
// 127.1, 0177.0.0.1 and 0x7f.1.
func isNumber(label string) bool {
	return label != "" && strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x")
}

func checkAddr(host string, a netip.Addr) error {
	if a = a.Unmap(); !a.IsGlobalUnicast() || a.IsPrivate() || sharedSpace.Contains(a) {
		return errPrivate(host)
	}
	return nil
}

// sharedSpace is between providers and their customers (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func errPrivate(host string) error {
	return consent.Invalid("private_address", clip(host, 100)+" is on this machine or in a private network. Allow private addresses to scan it.")
}
