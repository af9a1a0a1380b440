// Package guard decides where the requests of a scan may go, so that a scan can't be used to look around behind a firewall. The
// browser's go through a passage, the program's own through a Client.
package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence"
)

// What a scan may cost the network.
const (
	maxScanBytes = 1 << 30   // both ways
	maxPageBytes = 120 << 20 // and so many more for each page, over all states
	maxOpen      = 512       // connections at once
	maxNames     = 5000      // hosts that are remembered
)

// Bounds on finding and reaching a host.
const (
	nameTimeout = 5 * time.Second
	dialTimeout = 5 * time.Second // for one address
	maxDials    = 4               // addresses of one host that are tried
	nameLife    = time.Minute     // before a name is looked up again
	failedLife  = 5 * time.Second // the same, when that failed
)

// Gate decides where the requests of a scan may go, so that a scan can't be used to look around behind a firewall.
// Everything that leaves, the browser's requests by way of a passage and the scanner's own, is dialled here, and what is
// dialled is the very address that was checked: a name that leads elsewhere a moment later gains nothing.
type Gate struct {
	private bool              // every address may be reached
	mapped  map[string]string // host to address, as whoever scans has said; these may be reached
	own     map[netip.Addr]bool
	Lookup  func(ctx context.Context, host string) ([]netip.Addr, error)         // asks the name servers
	Dialer  func(ctx context.Context, network, address string) (net.Conn, error) // connects to an address
	left    atomic.Int64                                                         // bytes that the scan may still cost
	open    chan struct{}

	mu    sync.Mutex
	names map[string]*name
}

// name is what a host was found to lead to.
type name struct {
	done  chan struct{} // closed when it is known
	until time.Time
	addrs []netip.Addr
	err   error
}

// New makes the guard of one scan of so many pages in each state. With private, every address may be reached; so may
// the addresses that hosts are mapped to.
func New(private bool, mapped map[string]string, pages int) *Gate {
	dialer := net.Dialer{Timeout: dialTimeout}
	g := &Gate{
		private: private, mapped: map[string]string{}, own: ownAddresses(), Dialer: dialer.DialContext,
		open: make(chan struct{}, maxOpen), names: map[string]*name{},
		Lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		},
	}
	for host, to := range mapped {
		g.mapped[plainHost(host)] = to
	}
	g.left.Store(maxScanBytes + int64(pages)*maxPageBytes)
	return g
}

// Refuse says why a host may not be visited; nil where it may.
func (g *Gate) Refuse(ctx context.Context, host string) error { return g.check(ctx, host, "443") }

// RefuseStart says the same of the address at which a scan begins, with its port.
func (g *Gate) RefuseStart(ctx context.Context, u *url.URL) error {
	return g.check(ctx, u.Hostname(), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
}

func (g *Gate) check(ctx context.Context, host, port string) error {
	if g.private {
		return nil
	}
	_, err := g.route(ctx, host, port)
	if err != nil && !isRefusal(err) {
		return &consent.Error{Kind: consent.KindUnavailable, Code: "unreachable", Message: evidence.Clip(host, 100) + " is not a name that leads anywhere."}
	}
	return err
}

// route gives the addresses at which a host may be reached. All of them must be allowed: a name with a public and a
// private address means no good.
func (g *Gate) route(ctx context.Context, host, port string) ([]netip.AddrPort, error) {
	asked := host
	host = plainHost(host)
	to, mapped := g.mapped[host]
	if mapped {
		host = plainHost(to)
		if h, p, err := net.SplitHostPort(to); err == nil {
			host, port = plainHost(h), p
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || !g.private && !mapped && !isWebPort(uint16(n)) {
		return nil, errPort(asked, port)
	}
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	var list []netip.AddrPort
	for _, a := range addrs {
		if a = a.Unmap(); !g.private && !mapped && !g.allows(a, uint16(n)) {
			return nil, errPrivate(asked)
		}
		list = append(list, netip.AddrPortFrom(a, uint16(n)))
	}
	slices.SortStableFunc(list, func(a, b netip.AddrPort) int { return cmp.Compare(a.Addr().BitLen(), b.Addr().BitLen()) })
	return list, nil
}

// allows says whether a public address may be dialled. This machine's own is reached from inside its firewall: what
// of it everybody can see is the web at its usual ports.
func (g *Gate) allows(a netip.Addr, port uint16) bool {
	return isPublic(a) && (!g.own[a] || port == 80 || port == 443)
}

// resolve finds the addresses of a host. What reads as a number, and is not plainly an address, may lead anywhere.
func (g *Gate) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if isLocalhost(host) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	if host == "" || isNumber(host[strings.LastIndexByte(host, '.')+1:]) || strings.ContainsAny(host, "%:/@\\ ") {
		return nil, errPrivate(host)
	}
	return g.named(ctx, host)
}

// named asks the name servers once for all who want to know at that time.
func (g *Gate) named(ctx context.Context, host string) ([]netip.Addr, error) {
	g.mu.Lock()
	n := g.names[host]
	if n == nil || isClosed(n.done) && time.Now().After(n.until) {
		if len(g.names) >= maxNames {
			clear(g.names)
		}
		n = &name{done: make(chan struct{})}
		g.names[host] = n
		go func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), nameTimeout)
			defer cancel()
			n.addrs, n.err = g.Lookup(ctx, host)
			if n.err == nil && len(n.addrs) == 0 {
				n.err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
			}
			n.until = time.Now().Add(nameLife)
			if n.err != nil {
				n.until = time.Now().Add(failedLife)
			}
			close(n.done)
		}()
	}
	g.mu.Unlock()
	select {
	case <-n.done:
		return n.addrs, n.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// dial connects to a host, where that is allowed.
func (g *Gate) dial(ctx context.Context, host, port string) (net.Conn, error) {
	list, err := g.route(ctx, host, port)
	if err != nil {
		return nil, err
	}
	for _, a := range list[:min(len(list), maxDials)] {
		var conn net.Conn
		each, cancel := context.WithTimeout(ctx, dialTimeout)
		conn, err = g.Dialer(each, "tcp", a.String())
		cancel()
		if err == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("dial %s: %w", evidence.Clip(host, 100), err)
}

// isRefusal tells what the guard refused from what failed.
func isRefusal(err error) bool {
	var told *consent.Error
	return errors.As(err, &told)
}

// Bounds on the scanner's own requests.
const (
	clientTimeout = 10 * time.Second
	headTimeout   = 5 * time.Second
	maxRedirects  = 5
)

// Client makes HTTP requests that go where the browser's may go, on every hop. It knows no cookies and no proxy.
func (g *Gate) Client() *http.Client {
	return &http.Client{
		Timeout: clientTimeout,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return g.dial(ctx, host, port)
			},
			TLSHandshakeTimeout: headTimeout, ResponseHeaderTimeout: headTimeout, MaxResponseHeaderBytes: 64 << 10, DisableKeepAlives: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("too many redirects")
			}
			return g.Refuse(r.Context(), r.URL.Hostname())
		},
	}
}

// Client is an HTTP client that reaches what a scan may reach: the public internet, wherever a name or a redirect leads, the
// hosts that are mapped to an address, and all else only with allowPrivate. It follows five redirects, sends and keeps no
// cookies, and uses no proxy. Limits on what is read of a body are the caller's.
func Client(allowPrivate bool, mapHosts map[string]string) *http.Client {
	return New(allowPrivate, mapHosts, 0).Client()
}
