package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"

	"golang.org/x/crypto/acme/autocert"

	"samtykke/consent"
	"samtykke/server"
)

// operateFlags are what concerns whoever runs the server.
type operateFlags struct {
	TLSDomain     []string `help:"Serve HTTPS for this domain, with certificates from Let's Encrypt, whose terms you accept by it; listen on port 443 then. May be repeated." name:"tls-domain" placeholder:"D"`
	MetricsListen string   `help:"Address on which Prometheus finds /metrics; default: nowhere." name:"metrics-listen" placeholder:"ADDR"`
	LogFormat     string   `help:"text or json." name:"log-format" enum:"text,json" default:"text"`
	LogRequests   bool     `help:"Log a line a request: route, status, time; never an address or a visitor." name:"log-requests"`
}

func (f *operateFlags) logger(out io.Writer) *slog.Logger {
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, nil))
	}
	return slog.New(slog.NewTextHandler(out, nil))
}

// secure puts TLS over a listener where domains are named. Certificates are kept in a folder beside the data. Let's Encrypt
// asks on the same port (TLS-ALPN-01), so that port 80 isn't needed.
func (f *operateFlags) secure(l net.Listener, folder string) (net.Listener, error) {
	if len(f.TLSDomain) == 0 {
		return l, nil
	}
	for _, d := range f.TLSDomain {
		if !consent.ValidDomain(d) || net.ParseIP(d) != nil {
			return nil, consent.Invalid("bad_tls_domain", "--tls-domain "+d+" is no domain name such as samtykke.example.dk.")
		}
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(f.TLSDomain...), Cache: autocert.DirCache(filepath.Join(folder, "tls"))}
	c := m.TLSConfig()
	c.MinVersion = tls.VersionTLS12
	return tls.NewListener(l, c), nil
}

// base is the server's public address where none was named.
func (f *operateFlags) base(port string) string {
	if len(f.TLSDomain) == 0 {
		return "http://localhost" + port
	}
	if port == ":443" {
		port = ""
	}
	return "https://" + f.TLSDomain[0] + port
}

// run serves, with the metrics on their own address, until ctx ends or one of both fails.
func (f *operateFlags) run(ctx context.Context, s *server.Server, l net.Listener) error {
	if f.MetricsListen == "" {
		return s.Run(ctx, l)
	}
	ml, err := net.Listen("tcp", f.MetricsListen)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	measured := make(chan error, 1)
	go func() {
		measured <- s.ServeMetrics(ctx, ml)
		stop()
	}()
	err = s.Run(ctx, l)
	stop()
	return errors.Join(err, <-measured)
}
