package guard

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// reserved are the networks of IPv4, and those within the public part of IPv6, in which no website of the public is:
// IANA's registries of special addresses (RFC 6890), and an address at which a cloud tells its machines their secrets.
var reserved = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared between providers and their customers
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's own services, for its machines alone
	"169.254.0.0/16",   // link-local; metadata of most clouds
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // relays of 6to4
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
	"2001::/23",        // protocol assignments, such as Teredo, which holds IPv4 addresses
	"2001:db8::/32",    // documentation
	"2002::/16",        // 6to4, which holds IPv4 addresses
	"3fff::/20",        // documentation
)

var (
	publicIPv6 = netip.MustParsePrefix("2000::/3")     // all that has been given out; everything else in IPv6 is special
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // how networks without IPv4 see its addresses: in the last four bytes
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, p := range list {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// isPublic says whether an address can be that of a public website.
func isPublic(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if a = a.Unmap(); a.Is6() {
		if nat64.Contains(a) {
			b := a.As16()
			return isPublic(netip.AddrFrom4([4]byte(b[12:])))
		}
		if !publicIPv6.Contains(a) {
			return false
		}
	}
	return !slices.ContainsFunc(reserved, func(p netip.Prefix) bool { return p.Contains(a) })
}

// innerPorts, above the 1023 of which only 80 and 443 are for the web, are those of databases, of machines' own
// administration, and the ones that browsers refuse. An address may be public and yet trust the machine that asks.
var innerPorts = map[uint16]bool{
	1433: true, 1434: true, 1521: true, 1719: true, 1720: true, 1723: true, 2049: true, 2375: true, 2376: true, 2379: true, 2380: true,
	3128: true, 3306: true, 3389: true, 3659: true, 4045: true, 4369: true, 5060: true, 5061: true, 5432: true, 5671: true, 5672: true,
	5900: true, 5901: true, 5984: true, 5985: true, 5986: true, 6000: true, 6379: true, 6443: true, 6566: true, 6665: true, 6666: true,
	6667: true, 6668: true, 6669: true, 6697: true, 8500: true, 9042: true, 9092: true, 9100: true, 9200: true, 9300: true, 10080: true,
	10250: true, 10255: true, 11211: true, 26257: true, 27017: true, 27018: true, 27019: true,
}

func isWebPort(port uint16) bool {
	return port == 80 || port == 443 || port >= 1024 && !innerPorts[port]
}

// ownAddresses are those of this machine. To itself it is more open than a firewall makes it to others.
func ownAddresses() map[netip.Addr]bool {
	own := map[netip.Addr]bool{}
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			own[p.Addr().Unmap()] = true
		}
	}
	return own
}

// isNumber says whether the last label of a host makes browsers read all of it as an IPv4 address, as in 2130706433,
// 127.1, 0177.0.0.1 and 0x7f.1.
func isNumber(label string) bool {
	return label != "" && strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x")
}

// isLocalhost is what browsers take to be this machine without asking anybody.
func isLocalhost(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// plainHost writes a host in the one way in which it is looked up.
func plainHost(host string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	return host
}

func errPrivate(host string) error {
	return consent.Invalid("private_address", evidence.Clip(host, 100)+" is on this machine or in a private network. Allow private addresses to scan it.")
}

func errPort(host, port string) error {
	return consent.Invalid("bad_url", evidence.Clip(host, 100)+":"+port+" is not where websites are. Give an address with another port.")
}
