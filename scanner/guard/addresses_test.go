package guard

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"samtykke/scanner/guard/guardtest"
)

func TestIsPublic(t *testing.T) {
	for a, want := range map[string]bool{
		"93.184.216.34": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.0": true, "172.15.0.1": true, "172.32.0.1": true, "192.0.1.1": true,
		"223.255.255.255": true, "::ffff:93.184.216.34": true, "2606:2800:220:1::1": true, "2a00:1450::1": true, "64:ff9b::5db8:d822": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.1": false, "100.64.0.1": false, "100.100.100.200": false, "127.0.0.1": false, "127.255.255.255": false,
		"168.63.129.16": false, "169.254.0.1": false, "169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.1": false,
		"192.0.0.192": false, "192.0.2.1": false, "192.88.99.1": false, "192.168.0.1": false, "198.18.0.1": false, "198.19.255.255": false,
		"198.51.100.1": false, "203.0.113.1": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::127.0.0.1": false, "::93.184.216.34": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:0:127.0.0.1": false,
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::c0a8:1": false, "64:ff9b:1::1": false, "100::1": false, "2001::1": false,
		"2001:0:7f00:1::": false, "2001:2::1": false, "2001:20::1": false, "2001:db8::1": false, "2002:7f00:1::": false, "2002:c0a8:101::1": false,
		"2002:5db8:d822::1": false, "3fff::1": false, "5f00::1": false, "fc00::1": false, "fd00:ec2::254": false, "fe80::1": false, "fe80::1%eth0": false,
		"2606:2800:220:1::1%eth0": false, "fec0::1": false, "ff02::1": false, "ff0e::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %v", a, got)
		}
	}
	if isPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// What netip itself knows to be special must never count as public, in whatever form an address is written; and what
// an IPv4 address is must not depend on IPv6 being around it.
func FuzzIsPublic(f *testing.F) {
	for _, a := range []string{"127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2001:db8::", "93.184.216.34", "fd00:ec2::254"} {
		b := netip.MustParseAddr(a).As16()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return
		}
		u, got := a.Unmap(), isPublic(a)
		if got && (!u.IsGlobalUnicast() || u.IsPrivate() || u.IsLoopback() || u.IsLinkLocalUnicast() || u.IsMulticast() || u.IsUnspecified()) {
			t.Errorf("%s counts as public", a)
		}
		if u.Is4() {
			four, six := u.As4(), nat64.Addr().As16()
			copy(six[12:], four[:])
			if isPublic(netip.AddrFrom16(six)) != got || isPublic(netip.AddrFrom16(u.As16())) != got {
				t.Errorf("%s: %v, but not so within IPv6", a, got)
			}
		}
	})
}

// Whatever a host is written like, it leads to public addresses or is refused.
func FuzzGuard_Route(f *testing.F) {
	for _, host := range []string{
		"shop.dk", "localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.0.0.1.", "[::1]", "::1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]",
		"127。0。0。1", "good@127.0.0.1", "127.0.0.1:80", "fe80::1%eth0", "", ".", "..", "[", "[]", "1.2.3.4.5", "93.184.216.34", "%31", "a b", "\x00",
	} {
		f.Add(host, "80")
	}
	f.Add("shop.dk", "-1")
	f.Add("shop.dk", "65536")
	f.Add("shop.dk", "22")
	g := New(false, nil, 0)
	g.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr(guardtest.Public)}, nil
	}
	f.Fuzz(func(t *testing.T, host, port string) {
		list, err := g.route(t.Context(), host, port)
		if (err == nil) != (len(list) > 0) {
			t.Fatalf("%q: %v, %v", host, list, err)
		}
		for _, a := range list {
			if !isPublic(a.Addr()) || !isWebPort(a.Port()) {
				t.Errorf("%q:%q leads to %s", host, port, a)
			}
		}
		if p := plainHost(host); err == nil && (isLocalhost(p) || strings.ContainsAny(p, "/@ ")) {
			t.Errorf("%q is let through", host)
		}
	})
}
