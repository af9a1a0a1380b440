package server

import (
	"net"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"

	"samtykke/consent"
)

// limiter counts in memory who asks how often. Addresses are forgotten minutes after the last request and are
// written nowhere.
type limiter struct {
	store *middleware.RateLimiterMemoryStore
}

func newLimiter(perSecond float64, burst int) limiter {
	if perSecond < 0 {
		return limiter{}
	}
	return limiter{middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(perSecond), Burst: burst, ExpiresIn: 3 * time.Minute,
	})}
}

// allow fails with too_many_requests when this address has used up its share of what.
func (l limiter) allow(c echo.Context, what string) error {
	return l.allowKey(network(c.RealIP()) + " " + what)
}

// allowKey is allow for what is no address.
func (l limiter) allowKey(key string) error {
	if l.store == nil {
		return nil
	}
	if ok, err := l.store.Allow(key); err != nil || ok {
		return err
	}
	return &consent.Error{Kind: consent.KindTooMany, Code: "too_many_requests", Message: "Too many requests. Wait a moment."}
}

// network is what counts as one asker: an IPv4 address, or an IPv6 /64, which is one household or machine.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	if a = a.Unmap(); a.Is4() {
		return a.String()
	}
	p, _ := a.WithZone("").Prefix(64)
	return p.String()
}

func ipExtractor(trusted []netip.Prefix) echo.IPExtractor {
	if len(trusted) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range trusted {
		options = append(options, echo.TrustIPRange(ipNet(p)))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

func ipNet(p netip.Prefix) *net.IPNet {
	a := p.Masked().Addr()
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(p.Bits(), a.BitLen())}
}
