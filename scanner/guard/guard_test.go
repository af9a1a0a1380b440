package guard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/scanner/evidence/evidencetest"
	"samtykke/scanner/guard/guardtest"
)

// gated is a guard in a little internet, of which shop.localhost is the fixture as well.
func gated(t *testing.T, private bool, fixture http.Handler, names map[string][]string) (*Gate, *guardtest.Internet) {
	t.Helper()
	w := guardtest.Imagine(t, fixture, names)
	g := New(private, w.Hosts, 0)
	g.Lookup, g.Dialer = w.Lookup, w.Dial
	return g, w
}

// through opens a passage of a guard and a connection to it.
func through(t *testing.T, g *Gate) (*Passage, net.Conn) {
	t.Helper()
	way, err := g.NewPassage()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	conn, err := net.Dial("tcp", "127.0.0.1:"+way.Port())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second)) // a test that would hang fails
	return way, conn
}

// ask writes to a passage and gives what comes back until it ends the connection.
func ask(t *testing.T, g *Gate, text string) (*Passage, string) {
	t.Helper()
	way, conn := through(t, g)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%q: %v", text, err)
	}
	return way, string(answer)
}

// What no browser writes is refused like what one does.
func TestPassage_RefusesWhatLeadsInside(t *testing.T) {
	t.Parallel()
	p := guardtest.NewTrap(t)
	g, world := gated(t, false, http.NotFoundHandler(), guardtest.Names)
	for _, host := range slices.Concat(guardtest.Forms, []string{
		"metadata.example", "169.254.169.254", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "10.0.0.1", "192.168.1.1",
		"[fe80::1%25lo]", "[::1%25lo]", "shop.example@127.0.0.1", "127.0.0.1\x00.shop.example", "127.0.0.1#.shop.example",
	}) {
		for _, ask2 := range []string{
			"GET http://%s:" + p.Port + "/x HTTP/1.1\r\nHost: shop.example\r\n\r\n",
			"CONNECT %s:" + p.Port + " HTTP/1.1\r\nHost: shop.example\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			if _, answer := ask(t, g, fmt.Sprintf(ask2, host)); answer != "" && !strings.HasPrefix(answer, "HTTP/1.1 502 ") {
				t.Errorf(ask2+": %q", host, answer)
			}
		}
	}
	for _, port := range []string{"0", "22", "25", "53", "3306", "5432", "6379", "11211", "65536", "-1", "http", ""} {
		if _, answer := ask(t, g, "CONNECT shop.example:"+port+" HTTP/1.1\r\nHost: shop.example\r\n\r\n"); strings.Contains(answer, " 200 ") {
			t.Errorf("port %s: %q", port, answer)
		}
	}
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: 127.0.0.1:" + p.Port + "\r\n\r\n", // not as to a proxy
		"GET ftp://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n", "GET file:///etc/hostname HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http:/// HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\r\n\r\n", "\r\n\r\n",
		"GET http://shop.example/ HTTP/1.1\r\nX: " + strings.Repeat("x", maxHead) + "\r\n\r\n",
	} {
		if _, answer := ask(t, g, text); strings.HasPrefix(answer, "HTTP/1.1 2") || strings.Contains(answer, "404") {
			t.Errorf("%.80q: %q", text, answer)
		}
	}
	if got := world.Dialled(); len(got) > 0 {
		t.Errorf("dialled %q", got)
	}
	if got := p.Caught(); len(got) > 0 {
		t.Errorf("reached %q", got)
	}
}

// DNS rebinding: what is dialled is what was checked, and a name that leads inside the next time is refused then.
func TestGuard_DialsWhatItChecked(t *testing.T) {
	t.Parallel()
	g, world := gated(t, false, http.NotFoundHandler(), nil)
	asked := 0
	g.Lookup = func(context.Context, string) ([]netip.Addr, error) {
		if asked++; asked == 1 {
			return []netip.Addr{netip.MustParseAddr(guardtest.Public)}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	for range 3 {
		conn, err := g.dial(t.Context(), "rebind.example", "80")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	evidencetest.Equal(t, "dialled", world.Dialled(), slices.Repeat([]string{guardtest.Public + ":80"}, 3))
	if asked != 1 {
		t.Errorf("looked up %d times", asked)
	}
	g.mu.Lock()
	g.names["rebind.example"].until = time.Time{}
	g.mu.Unlock()
	if _, err := g.dial(t.Context(), "rebind.example", "80"); !isRefusal(err) || len(world.Dialled()) != 3 {
		t.Errorf("after another look-up: %v", err)
	}
}

// This machine's own public address shows it the web at its usual ports, as everybody sees it, and nothing else.
func TestGuard_DoesNotReachBehindItsOwnFirewall(t *testing.T) {
	g := New(false, nil, 0)
	g.own[netip.MustParseAddr(guardtest.Public)] = true
	for port, want := range map[string]bool{"80": true, "443": true, "8080": false, "9090": false} {
		if _, err := g.route(t.Context(), guardtest.Public, port); (err == nil) != want {
			t.Errorf("port %s: %v", port, err)
		}
	}
}

// The scanner's own requests go nowhere else than the browser's, on no hop.
func TestClient_GoesNowhereInside(t *testing.T) {
	p := guardtest.NewTrap(t)
	jump := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/in":
			http.Redirect(w, r, "http://inside.example:"+p.Port+"/client", http.StatusFound)
		case "/mail":
			http.Redirect(w, r, "http://shop.example:25/", http.StatusFound)
		case "/round":
			http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
			if len(r.Cookies()) > 0 {
				t.Error("a cookie was sent")
			}
			http.Redirect(w, r, "/round", http.StatusFound)
		}
	})
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for _, private := range []bool{false, true} {
		g, _ := gated(t, private, jump, guardtest.Names)
		c := g.Client()
		for path, want := range map[string]bool{"": true, "/in": private, "/mail": private, "/round": false} {
			res, err := c.Get("http://shop.example" + path)
			if (err == nil) != want {
				t.Errorf("private %v: %s: %v", private, path, err)
			}
			if err == nil {
				res.Body.Close()
			}
		}
		if got := slices.Contains(p.Caught(), "client"); got != private {
			t.Errorf("private %v: inside %v", private, got)
		}
	}
	var told *consent.Error
	if _, err := Client(false, nil).Get("http://127.0.0.1:" + p.Port); !errors.As(err, &told) || told.Code != "private_address" {
		t.Errorf("%v", err)
	}
	if res, err := Client(false, map[string]string{"shop.example": "127.0.0.1:" + p.Port}).Get("http://shop.example/"); err != nil || res.StatusCode != 200 {
		t.Errorf("a mapped name: %v", err)
	}
}

// The site gets what the browser wrote, and the browser what the site answered, byte for byte and over one connection.
func TestPassage_ChangesNothing(t *testing.T) {
	t.Parallel()
	site, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer site.Close()
	got := make(chan string, 10)
	const odd = "HTTP/1.1 200 Fint nok\r\nset-COOKIE: a=1\r\nSet-Cookie:b=2\r\nBad Header: x\r\nContent-Length: 2\r\n\r\nok"
	go func() {
		for {
			conn, err := site.Accept()
			if err != nil {
				return
			}
			got <- "connection"
			go func() {
				in := bufio.NewReader(conn)
				for {
					h, err := readHead(in)
					if err != nil {
						return
					}
					body := make([]byte, max(h.ContentLength, 0))
					_, _ = io.ReadFull(in, body)
					got <- string(h.raw) + string(body)
					_, _ = io.WriteString(conn, odd)
				}
			}()
		}
	}()
	g := New(false, map[string]string{"shop.example": site.Addr().String()}, 0)
	_, conn := through(t, g)
	for _, c := range [][2]string{
		{
			"GET http://shop.example/a%2fb?q=%7e#frag HTTP/1.1\r\nHost: shop.example\r\nProxy-Connection: keep-alive\r\nUser-agent: x\r\nCookie: a=1; b\r\nProxy-Authorization: y\r\nX:1\r\n\r\n",
			"GET /a%2fb?q=%7e#frag HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nUser-agent: x\r\nCookie: a=1; b\r\nX:1\r\n\r\n",
		},
		{"POST http://shop.example?x HTTP/1.1\r\nHost: other.example\r\nContent-Length: 3\r\n\r\nabc", "POST /?x HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\nabc"},
		{"GET http://shop.example HTTP/1.1\r\nHost: shop.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n"},
	} {
		if _, err := io.WriteString(conn, c[0]); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, len(odd))
		if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != odd {
			t.Fatalf("%q, %v", answer, err)
		}
		text := <-got
		if text == "connection" {
			text = <-got
		}
		if text != c[1] {
			t.Errorf("\n got  %q\n want %q", text, c[1])
		}
	}
	if len(got) > 0 {
		t.Errorf("another connection was opened: %q", <-got)
	}
	// A request for another host must not go to this one.
	_, _ = io.WriteString(conn, "GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n")
	if n, err := conn.Read(make([]byte, 1)); err == nil || n > 0 || len(got) > 0 {
		t.Errorf("a request for another host was sent on: %v", err)
	}
}

// A tunnel carries both directions at once, whatever is in it.
func TestPassage_Tunnels(t *testing.T) {
	t.Parallel()
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go io.Copy(c, c)
		}
	}()
	g := New(false, map[string]string{"shop.example": echo.Addr().String()}, 0)
	_, conn := through(t, g)
	_, _ = io.WriteString(conn, "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n\x00first")
	in := bufio.NewReader(conn)
	if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200 ") {
		t.Fatalf("%q, %v", line, err)
	}
	_, _ = in.ReadString('\n')
	for _, text := range []string{"\x00first", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("x", 1<<20)} {
		if text != "\x00first" {
			go io.WriteString(conn, text)
		}
		back := make([]byte, len(text))
		if _, err := io.ReadFull(in, back); err != nil || string(back) != text {
			t.Fatalf("%v", err)
		}
	}
}

// A site that never stops can't cost more than a scan may.
func TestPassage_EndsWhatCostsTooMuch(t *testing.T) {
	t.Parallel()
	g, _ := gated(t, false, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	}), guardtest.Names)
	g.left.Store(1 << 20)
	if _, answer := ask(t, g, "GET http://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"); len(answer) > 1<<20 || len(answer) < 1<<19 {
		t.Errorf("%d bytes came", len(answer))
	}
	if _, answer := ask(t, g, "GET http://shop.example/ HTTP/1.1\r\nHost: shop.example\r\n\r\n"); answer != "" {
		t.Errorf("%d bytes came after the end", len(answer))
	}
}

// When a profile is forgotten nothing of it goes on.
func TestPassage_ClosesWhatIsOpen(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(held)
		<-r.Context().Done()
	}))
	defer s.Close()
	g := New(true, nil, 0)
	way, conn := through(t, g)
	fmt.Fprintf(conn, "GET %s/ HTTP/1.1\r\nHost: x\r\n\r\n", s.URL)
	<-held
	way.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if _, err := net.Dial("tcp", "127.0.0.1:"+way.Port()); err == nil {
		t.Error("it still listens")
	}
}

func FuzzReadHead(f *testing.F) {
	f.Add("GET http://shop.dk/?q HTTP/1.1\r\nHost: shop.dk\r\nProxy-Connection: keep-alive\r\nX: 1\r\n\r\n")
	f.Add("CONNECT shop.dk:443 HTTP/1.1\nHost: x\n\n")
	f.Add("GET http://shop.dk HTTP/1.1\r\nHost: x\r\n Folded: y\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := readHead(bufio.NewReader(strings.NewReader(text)))
		if err != nil || h.URL.Host == "" {
			return
		}
		again, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(h.forSite()))))
		if err != nil {
			return // the site may complain of it
		}
		if again.Host != h.URL.Host && !strings.ContainsAny(h.URL.Host, " \t") || again.Header.Get("Proxy-Authorization") != "" {
			t.Errorf("%q became %q", text, h.forSite())
		}
	})
}
