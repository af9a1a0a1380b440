package guard

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"samtykke/scanner/evidence"
)

// Bounds on what goes through a passage.
const (
	maxHead     = 256 << 10 // of a request; a browser's cookies alone may take most of it
	maxConn     = 200 << 20 // bytes of one connection, both ways
	idleTimeout = 2 * time.Minute
	maxRefused  = 200 // hosts that are remembered, as refused and as failed
)

// ProxyHost is the one host that the browser finds by itself.
const ProxyHost = "proxy.invalid"

// Passage is the proxy through which one profile of the browser reaches the network, and nothing else of it does. It
// forwards heads of requests as they are and passes on the bytes of answers unread, so that the browser sees what it
// would see without a passage; HTTPS stays between browser and site. It listens on loopback only and wants no password,
// since it gives programs on this machine nothing that they couldn't reach themselves; a website that is open in
// somebody's own browser gets nothing out of it, since browsers speak to sites otherwise than to proxies.
type Passage struct {
	guard    *Gate
	listener net.Listener
	ctx      context.Context // done when the passage is closed
	cancel   func()

	mu      sync.Mutex
	refused []string         // hosts that nothing was let through to, in the order in which they were asked for
	failed  map[string]error // hosts that could not be reached, and why
}

// NewPassage opens a passage at a free port. Whoever opens it closes it.
func (g *Gate) NewPassage() (*Passage, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("open a proxy for the browser: %w", err)
	}
	t := &Passage{guard: g, listener: l, failed: map[string]error{}}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	go t.accept()
	return t, nil
}

// Port is where the passage listens.
func (t *Passage) Port() string {
	_, port, _ := net.SplitHostPort(t.listener.Addr().String())
	return port
}

// Close ends everything that goes through the passage.
func (t *Passage) Close() {
	t.cancel()
	_ = t.listener.Close()
}

func (t *Passage) accept() {
	for {
		conn, err := t.listener.Accept()
		switch {
		case t.ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many files are open, say: a moment later there may be fewer
			time.Sleep(20 * time.Millisecond)
			continue
		}
		select {
		case t.guard.open <- struct{}{}:
			go func() {
				defer func() { <-t.guard.open }()
				t.serve(conn)
			}()
		case <-t.ctx.Done():
			_ = conn.Close()
			return
		}
	}
}

// Why tells what kept a host from being reached; nil where nothing is known.
func (t *Passage) Why(host string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed[plainHost(host)]
}

// Refusals lists the hosts that nothing was let through to, each once.
func (t *Passage) Refusals() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Sorted(slices.Values(t.refused))
}

// note remembers why a host was not reached.
func (t *Passage) note(host string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	host = evidence.Clip(plainHost(host), 300)
	if isRefusal(err) && len(t.refused) < maxRefused && !slices.Contains(t.refused, host) {
		t.refused = append(t.refused, host)
	}
	if len(t.failed) < maxRefused {
		t.failed[host] = asBrowser(err)
	}
}

// asBrowser words why a host was not reached as the browser does, which itself only knows that its proxy failed.
func asBrowser(err error) error {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case isRefusal(err):
		return err
	case errors.As(err, &dns):
		return errors.New("net::ERR_NAME_NOT_RESOLVED")
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("net::ERR_CONNECTION_REFUSED")
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("net::ERR_CONNECTION_TIMED_OUT")
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return errors.New("net::ERR_ADDRESS_UNREACHABLE")
	}
	return errors.New("net::ERR_CONNECTION_FAILED")
}

// serve does what one connection of the browser asks for. It is ended without a word where nothing may be or could be
// reached: any answer would look like the site's own.
func (t *Passage) serve(client net.Conn) {
	l := newLine(t, client)
	defer l.end()
	in := bufio.NewReader(l.metered(client))
	for upstream := ""; ; {
		head, err := readHead(in)
		if err != nil {
			return
		}
		if head.Method == http.MethodConnect {
			if l.connect(head.Host) != nil {
				_, _ = io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
				return
			}
			if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
				return
			}
			go l.answer()
			_, _ = io.Copy(l.upstream, in)
			return
		}
		host := head.URL.Host
		switch {
		case head.URL.Scheme != "http" || host == "" || upstream != "" && host != upstream:
			return // to another host the browser opens another connection
		case upstream == "":
			if l.connect(withPort(head.URL)) != nil {
				return
			}
			upstream = host
			go l.answer()
		}
		if !l.forward(head, in) {
			return
		}
	}
}

func withPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), "80")
}

// line is one connection of the browser and the one that it leads to.
type line struct {
	passage  *Passage
	client   net.Conn
	upstream net.Conn // nil until there is one
	idle     *time.Timer
	end      func()

	mu    sync.Mutex
	left  int // bytes
	ended bool
}

func newLine(t *Passage, client net.Conn) *line {
	l := &line{passage: t, client: client, left: maxConn}
	l.idle = time.AfterFunc(idleTimeout, l.close)
	stop := context.AfterFunc(t.ctx, l.close)
	l.end = func() {
		stop()
		l.close()
	}
	return l
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.idle.Stop()
	_ = l.client.Close()
	if l.upstream != nil {
		_ = l.upstream.Close()
	}
}

// connect reaches the host of an address with a port.
func (l *line) connect(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	conn, err := l.passage.guard.dial(l.passage.ctx, host, port)
	if err != nil {
		l.passage.note(host, err)
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		_ = conn.Close()
		return net.ErrClosed
	}
	l.upstream = conn
	return nil
}

// answer passes on what the site answers until it ends the connection.
func (l *line) answer() {
	defer l.close()
	_, _ = io.Copy(l.client, l.metered(l.upstream))
}

// forward sends a request on, with its body.
func (l *line) forward(h *requestHead, in *bufio.Reader) bool {
	if _, err := l.upstream.Write(h.forSite()); err != nil {
		return false
	}
	var body io.Reader = io.LimitReader(in, h.ContentLength)
	if h.ContentLength < 0 || h.Header.Get("Upgrade") != "" {
		body = in // its end is not known here: all that follows goes to this site
	}
	n, err := io.Copy(l.upstream, body)
	return err == nil && n == h.ContentLength
}

var errSpent = errors.New("the scan has used up what it may cost the network")

// metered counts what is read from one side.
func (l *line) metered(from io.Reader) io.Reader { return &counted{l, from} }

type counted struct {
	line *line
	from io.Reader
}

func (m *counted) Read(b []byte) (int, error) {
	n, err := m.from.Read(b)
	if n > 0 && !m.line.spend(n) {
		return 0, errSpent
	}
	return n, err
}

// spend says whether so many bytes may still go through, and that something does.
func (l *line) spend(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.left -= n
	l.idle.Reset(idleTimeout)
	return l.left >= 0 && l.passage.guard.left.Add(-int64(n)) >= 0
}

// requestHead is a request as a browser writes it to a proxy, without its body.
type requestHead struct {
	*http.Request
	raw []byte
}

var errHead = errors.New("not the head of a request")

// readHead reads the head of a request.
func readHead(in *bufio.Reader) (*requestHead, error) {
	var raw []byte
	for whole := true; ; {
		part, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if len(raw)+len(part) > maxHead {
			return nil, errHead
		}
		raw = append(raw, part...)
		if whole && err == nil && len(bytes.TrimRight(part, "\r\n")) == 0 {
			break
		}
		if whole && (part[0] == ' ' || part[0] == '\t') { // a folded line, which no browser writes
			return nil, errHead
		}
		whole = err == nil
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return nil, err
	}
	return &requestHead{r, raw}, nil
}

// forSite is the head as the browser would write it to the site itself: what is between browser and proxy is left out,
// all else stays as it is and in its order.
func (h *requestHead) forSite() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", h.Method, h.target(), h.URL.Host)
	lines := strings.Split(strings.TrimRight(string(h.raw), "\r\n"), "\n")
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(strings.TrimRight(line, "\r"), ":")
		switch strings.ToLower(name) {
		case "host", "proxy-authorization":
		case "proxy-connection":
			b.WriteString("Connection:" + value + "\r\n")
		default:
			b.WriteString(name + ":" + value + "\r\n")
		}
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// target is the address on the site, byte for byte as the browser wrote it.
func (h *requestHead) target() string {
	_, rest, _ := strings.Cut(h.RequestURI, "://")
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}
