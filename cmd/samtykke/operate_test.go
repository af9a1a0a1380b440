package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// keptCertificate puts a certificate where those from Let's Encrypt are kept, and returns what trusts it.
func keptCertificate(t *testing.T, folder, domain string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{domain}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	dir := filepath.Join(folder, "tls")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, domain), text, 0o600); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return pool
}

// With --tls-domain the server answers over HTTPS under that name and no other; metrics stay on their own address; the log is
// JSON with a line a request.
func TestServe_OverTLSWithMetrics(t *testing.T) {
	const domain = "cmp.example.dk"
	dir := t.TempDir()
	pool := keptCertificate(t, dir, domain)
	address, metrics := freeAddress(t), freeAddress(t)
	p := serve(t, "--data", dir, "--listen", address, "--tls-domain", domain, "--metrics-listen", metrics, "--log-format", "json", "--log-requests")
	_, port, _ := net.SplitHostPort(address)
	if base := p.after("Dashboard"); base != "https://"+domain+":"+port+"/" {
		t.Errorf("the dashboard is at %q", base)
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: pool, ServerName: domain},
		ForceAttemptHTTP2: true,
	}}
	res, err := client.Get("https://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
		t.Errorf("%s over %s", res.Status, res.Proto)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{ServerName: "andre.example.dk", RootCAs: pool}); err == nil {
		t.Error("it answers under a name that isn't its own")
	}
	m, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Body.Close()
	body, err := io.ReadAll(m.Body)
	if err != nil || !strings.Contains(string(body), `samtykke_http_requests_total{class="machine",status="200"} 1`) {
		t.Errorf("metrics: %v\n%s", err, body)
	}
	if err := p.stop(os.Interrupt); err != nil {
		t.Errorf("ended with %v", err)
	}
	if !strings.Contains(p.output(), `"msg":"request","route":"/healthz","method":"GET","status":200`) {
		t.Errorf("no line of JSON: %s", p.output())
	}
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
