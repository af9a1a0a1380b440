package scanner

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

// trap is what no request of a scan may reach: listeners on this machine, as a router or a database in a private network
// would be. It counts who comes, by the way's name.
type trap struct {
	t    *testing.T
	port string // of HTTP, on 127.0.0.1 and on ::1

	mu    sync.Mutex
	hits  map[string]int
	ports map[string]string // of what is no HTTP, by way
	wake  chan struct{}
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	p := &trap{t: t, hits: map[string]int{}, ports: map[string]string{}, wake: make(chan struct{}, 1)}
	four, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, p.port, _ = net.SplitHostPort(four.Addr().String())
	p.serve(four)
	six, err := net.Listen("tcp", "[::1]:"+p.port)
	if err != nil {
		t.Logf("no IPv6 here: %v", err)
		return p
	}
	p.serve(six)
	return p
}

// serve answers everything, to everybody, so that nothing but the guard keeps a page from asking.
func (p *trap) serve(l net.Listener) {
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

func (p *trap) hit(way string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hits[way]++
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// stream gives the port of a listener that counts connections, and says nothing to them.
func (p *trap) stream(way string) string {
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

// packets gives the port of a listener that counts what comes over UDP.
func (p *trap) packets(way string) string {
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

func (p *trap) caught() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.hits))
}

// public is an address of the internet at which the fixture answers in tests.
const public = "93.184.216.34"

// pretend makes a guard for which some names lead to addresses of the internet, at which the fixture answers, and others
// inside. Nothing beyond this machine is dialled.
func pretend(t *testing.T, o *Options, fixture http.Handler, names map[string][]string) (dialled func() []string) {
	t.Helper()
	s := httptest.NewServer(fixture)
	t.Cleanup(s.Close)
	var mu sync.Mutex
	var list []string
	o.MapHosts = map[string]string{"shop.localhost": strings.TrimPrefix(s.URL, "http://")} // a name with which browsers allow pages everything
	o.guard = newGuard(o)
	o.guard.lookup = func(_ context.Context, host string) (found []netip.Addr, err error) {
		for _, a := range names[host] {
			found = append(found, netip.MustParseAddr(a))
		}
		if len(found) == 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return found, nil
	}
	o.guard.dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		list = append(list, address)
		mu.Unlock()
		a := netip.MustParseAddrPort(address)
		switch {
		case a.Addr().String() == public:
			address = strings.TrimPrefix(s.URL, "http://")
		case !a.Addr().IsLoopback() && !a.Addr().IsUnspecified():
			return nil, fmt.Errorf("%s is beyond this machine", address)
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(list)
	}
}
