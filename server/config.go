package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/guard"
	"samtykke/scanner/judgement"
)

// Config is everything that a server can be told. The zero value of each field is a working default.
type Config struct {
	BaseURL string // how browsers reach the server, such as https://samtykke.example.dk

	Version string // of the program, for whoever runs it

	// TrustedProxies are the networks whose X-Forwarded-For is believed. Empty: the connection's own address counts.
	TrustedProxies []netip.Prefix

	// Rate is how many acts a second one address (IPv6: /64) may send to one site in the long run, Burst how many
	// at once. Default 5 and 60: enough for an office behind one address. A negative Rate switches the limit off.
	Rate  float64
	Burst int

	// QueueSize is how many acts may wait for the disk before the server answers 503; default 8192. GroupSize is
	// how many are committed together at most; default 512.
	QueueSize, GroupSize int

	// Hosts serves other sites under other host names on the same port: the demo.
	Hosts map[string]http.Handler

	// Pictures takes the pictures of published notices: scanner.Pictures, with the options that fit. nil: none are taken.
	Pictures func(context.Context, []scanner.Shot) (scanner.Album, error)

	// Scan scans a website: scanner.Scan, with the options that fit. nil: this server scans nothing.
	Scan func(ctx context.Context, address string, o scanner.Options) (judgement.Report, error)

	// ScanTime is how long one scan may take, ScanMemory how many bytes its browser may need; default an hour and 3 GiB.
	ScanTime   time.Duration
	ScanMemory int64

	// Fetch and LookupTXT look whether domains belong to their sites. Default a client that reaches no
	// private network, and the system's resolver.
	Fetch     *http.Client
	LookupTXT func(ctx context.Context, name string) ([]string, error)

	// Mail sends letters: SMTP.Send. nil: links are handed on by people.
	Mail func(ctx context.Context, l Letter) error

	// LogRequests writes a line a request: route, method, status, time. Never an address or a visitor's id.
	LogRequests bool

	Now func() time.Time // the clock; default time.Now
	Log *slog.Logger     // default slog.Default
}

func (c Config) withDefaults() (Config, error) {
	if c.Rate == 0 {
		c.Rate = 5
	}
	if c.Burst <= 0 {
		c.Burst = 60
	}
	if c.QueueSize <= 0 {
		c.QueueSize = 8192
	}
	if c.GroupSize <= 0 {
		c.GroupSize = 512
	}
	if c.ScanTime <= 0 {
		c.ScanTime = time.Hour
	}
	if c.ScanMemory <= 0 {
		c.ScanMemory = 3 << 30
	}
	if c.Fetch == nil {
		c.Fetch = guard.Client(false, nil)
	}
	if c.LookupTXT == nil {
		c.LookupTXT = net.DefaultResolver.LookupTXT
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	var err error
	c.BaseURL, err = CleanBase(c.BaseURL)
	return c, err
}

// CleanBase checks a server's public address and drops a slash at its end: script tags are made by adding a path.
func CleanBase(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return base, consent.Invalid("bad_base_url", "The base URL is an address such as https://samtykke.example.dk.")
	}
	return strings.TrimRight(base, "/"), nil
}

func (c *Config) secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }
