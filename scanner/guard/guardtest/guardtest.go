// Package guardtest has what tests of the guard need: a trap that nothing may reach, and a little internet of names that lead to
// it or not.
package guardtest

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Trap is what no request of a scan may reach: listeners on this machine, as a router or a database in a private network
// would be. It counts who comes, by the way's name.
type Trap struct {
	t    *testing.T
	Port string // of HTTP, on 127.0.0.1 and on ::1

	mu    sync.Mutex
	Hits  map[string]int
	ports map[string]string // of what is no HTTP, by way
	wake  chan struct{}
}

// NewTrap sets a trap that is taken away when the test ends.
func NewTrap(t *testing.T) *Trap {
	t.Helper()
	p := &Trap{t: t, Hits: map[string]int{}, ports: map[string]string{}, wake: make(chan struct{}, 1)}
	four, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, p.Port, _ = net.SplitHostPort(four.Addr().String())
	p.serve(four)
	six, err := net.Listen("tcp", "[::1]:"+p.Port)
	if err != nil {
		t.Logf("no IPv6 here: %v", err)
		return p
	}
	p.serve(six)
	return p
}

// serve answers everything, to everybody, so that nothing but the guard keeps a page from asking.
func (p *Trap) serve(l net.Listener) {
	s := &http.Server{
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				p.hit("a connection")
			}
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p.hit(strings.Trim(r.URL.Path, "/"))
			h := w.Header()
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Allow-Private-Network", "true")
			h.Set("Content-Type", map[bool]string{true: "text/javascript", false: "text/html"}[strings.Contains(r.URL.Path, "script") || strings.Contains(r.URL.Path, "module")])
			if r.URL.Path == "/download" {
				h.Set("Content-Disposition", "attachment")
			}
			io.WriteString(w, "//")
		}),
	}
	go s.Serve(l)
	p.t.Cleanup(func() { s.Close() })
}

func (p *Trap) hit(way string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Hits[way]++
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Stream gives the port of a listener that counts connections, and says nothing to them.
func (p *Trap) Stream(way string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port := p.ports[way]; port != "" {
		return port
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.hit(way)
			c.Close()
		}
	}()
	_, p.ports[way], _ = net.SplitHostPort(l.Addr().String())
	return p.ports[way]
}

// Packets gives the port of a listener that counts what comes over UDP.
func (p *Trap) Packets(way string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if port := p.ports[way]; port != "" {
		return port
	}
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	go func() {
		for {
			if _, _, err := c.ReadFrom(make([]byte, 2000)); err != nil {
				return
			}
			p.hit(way)
		}
	}()
	_, p.ports[way], _ = net.SplitHostPort(c.LocalAddr().String())
	return p.ports[way]
}

// Caught lists the ways by which something came.
func (p *Trap) Caught() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.Hits))
}

// Public is an address of the internet at which the fixture answers in tests.
const Public = "93.184.216.34"

// Internet is what a guard finds in tests: some names lead to addresses of the internet, at which a fixture answers, and
// others inside. Nothing beyond this machine is dialled.
type Internet struct {
	Hosts   map[string]string // a name with which browsers allow pages everything, and the fixture's address
	names   map[string][]string
	fixture string

	mu   sync.Mutex
	list []string
}

// Imagine makes an internet around a fixture.
func Imagine(t *testing.T, fixture http.Handler, names map[string][]string) *Internet {
	t.Helper()
	s := httptest.NewServer(fixture)
	t.Cleanup(s.Close)
	address := strings.TrimPrefix(s.URL, "http://")
	return &Internet{Hosts: map[string]string{"shop.localhost": address}, names: names, fixture: address}
}

// Lookup answers as name servers do.
func (w *Internet) Lookup(_ context.Context, host string) (found []netip.Addr, err error) {
	for _, a := range w.names[host] {
		found = append(found, netip.MustParseAddr(a))
	}
	if len(found) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return found, nil
}

// Dial connects to what an address leads to.
func (w *Internet) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	w.list = append(w.list, address)
	w.mu.Unlock()
	a := netip.MustParseAddrPort(address)
	switch {
	case a.Addr().String() == Public:
		address = w.fixture
	case !a.Addr().IsLoopback() && !a.Addr().IsUnspecified():
		return nil, fmt.Errorf("%s is beyond this machine", address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

// Dialled lists the addresses that were dialled.
func (w *Internet) Dialled() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.list)
}

// Forms are ways to write an address inside, each asked for as a picture.
var Forms = []string{
	"127.0.0.1", "localhost", "localhost.", "deep.down.localhost", "other.localhost.", "inside.example", "inside.example.", "both.example",
	"2130706433", "0x7f000001", "017700000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "0.0.0.0", "0",
	"[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "127。0。0。1", "①②⑦.0.0.1", "%31%32%37.0.0.1", "LOCALHOST",
}

// Names are the names of the fixture's little internet.
var Names = map[string][]string{"shop.example": {Public}, "inside.example": {"127.0.0.1"}, "both.example": {"127.0.0.1", Public}}
