// Package demo is a small web shop with three pretend vendors, each on a host of its own under localhost. The shop
// holds back its scripts and its film exactly as a site owner does who has read the product's manual, and the
// vendors store what Planted says and nothing else: so one can see a banner at work, and measure a scan against the
// truth. Everything in it is invented.
package demo

import (
	"embed"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"
)

// The hosts of the demo. A browser finds every name under localhost on its own machine, and each is a site of its
// own: the vendors are third parties to the shop.
const (
	shopHost       = "shop.localhost"
	statisticsHost = "statistik.localhost"
	marketingHost  = "reklame.localhost"
	videoHost      = "video.localhost"
)

// maxBody is the largest request body in bytes: the shop's forms have two short fields.
const maxBody = 4 << 10

//go:embed pages static texts vendors products.json
var files embed.FS

// Config is what the demo must know of the server that it shows.
type Config struct {
	Tag   template.HTML // the script tag, pasted as it is, first in the shop's <head>
	Embed string        // address of the script that embeds the cookie declaration
	Port  string        // ":8080", or empty for the default port; added to the hosts in links
}

// Hosts lists the host names that the demo answers for.
func Hosts() []string { return []string{shopHost, statisticsHost, marketingHost, videoHost} }

// New serves the shop and its pretend vendors by host name; any other host is not found.
func New(c Config) http.Handler {
	hosts := map[string]http.Handler{
		shopHost:       newShop(c, time.Now),
		statisticsHost: statistics(),
		marketingHost:  marketing(),
		videoHost:      video(),
	}
	byHost := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h, ok := hosts[hostname(r.Host)]
		if !ok {
			h = http.HandlerFunc(notFound)
		}
		h.ServeHTTP(w, r)
	})
	return http.MaxBytesHandler(byHost, maxBody)
}

// hostname drops the port from a Host header.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// address is where a host of the demo is reached, without a slash at the end. The demo lives on loopback, where
// browsers trust plain http as they trust https elsewhere.
func address(host, port string) string { return "http://" + host + port }

// notFound answers for unknown hosts and for what a vendor doesn't have.
func notFound(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	serveBytes(w, "text/html; charset=utf-8", mustRead("vendors/404.html"))
}

// noIcon spares the log a missing page where a browser asks for an icon unbidden.
func noIcon(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "max-age=86400")
	w.WriteHeader(http.StatusNoContent)
}
