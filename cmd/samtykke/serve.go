package main

import (
	"context"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"time"

	"samtykke/cmd/samtykke/demo"
	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/scanner/guard"
	"samtykke/scanner/judgement"
	"samtykke/server"
	"samtykke/server/store"
)

type serveCmd struct {
	dataFlags
	operateFlags
	Listen       string   `help:"Address to listen on." default:"localhost:8080" placeholder:"ADDR"`
	BaseURL      string   `help:"The server's public address; default http://localhost and the port, or https:// and the first --tls-domain." name:"base-url" placeholder:"URL"`
	TrustedProxy []string `help:"Network of a reverse proxy whose X-Forwarded-For is believed; may be repeated." name:"trusted-proxy" placeholder:"CIDR"`
	Rate         float64  `help:"Consents a second that one address may send to one site in the long run; 0 for no limit." default:"5"`
	Burst        int      `help:"Consents that one address may send at once." default:"60"`
	Screenshots  bool     `help:"Take screenshots of published banners where there is a Chromium." default:"true" negatable:""`
	Scans        bool     `help:"Scan websites, when somebody asks in the dashboard or a schedule does, where there is a Chromium." default:"true" negatable:""`
	ScanPrivate  bool     `help:"Let scans reach this machine and private networks; --demo does." name:"scan-private"`
	BrowserUser  string   `help:"User that runs Chromium where root runs the server." name:"browser-user" default:"nobody" placeholder:"NAME"`
	SMTPHost     string   `help:"Mail server that sends invitations; default: their links are handed on by people." name:"smtp-host" placeholder:"HOST"`
	SMTPPort     int      `help:"Port of the mail server." name:"smtp-port" default:"587"`
	SMTPUser     string   `help:"Login of the mail server, with SAMTYKKE_SMTP_PASSWORD." name:"smtp-user" placeholder:"NAME"`
	SMTPPassword string   `help:"Password of the mail server; others can read it on the command line, so give it as SAMTYKKE_SMTP_PASSWORD." name:"smtp-password" placeholder:"WORD"`
	SMTPFrom     string   `help:"Sender of letters." name:"smtp-from" placeholder:"ADDR"`
	SMTPSecurity string   `help:"starttls, tls or none." name:"smtp-security" enum:"starttls,tls,none" default:"starttls"`
	Demo         bool     `help:"Add a demo shop with pretend vendors, and print a one-time password at each start."`
}

// Run serves until it is interrupted; then it answers what it has taken.
func (c *serveCmd) Run(ctx context.Context, std streams) error {
	rarelyCollect()
	proxies, err := networks(c.TrustedProxy)
	if err != nil {
		return err
	}
	db, err := c.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	defer l.Close()
	secured, err := c.secure(l, c.Data)
	if err != nil {
		return err
	}
	port := fmt.Sprintf(":%d", l.Addr().(*net.TCPAddr).Port)
	if c.BaseURL == "" {
		c.BaseURL = c.base(port)
	}
	if c.BaseURL, err = server.CleanBase(c.BaseURL); err != nil {
		return err
	}
	cfg := server.Config{
		BaseURL: c.BaseURL, Version: version(), TrustedProxies: proxies, Rate: c.Rate, Burst: c.Burst,
		Log: c.logger(std.err), LogRequests: c.LogRequests,
	}
	if c.Rate <= 0 {
		cfg.Rate = -1
	}
	if c.Screenshots {
		cfg.Pictures = func(ctx context.Context, shots []scanner.Shot) (scanner.Album, error) {
			return scanner.Pictures(ctx, scanner.Options{RunAs: c.runAs()}, shots)
		}
	}
	c.wireScans(&cfg)
	if err := c.wireMail(&cfg); err != nil {
		return err
	}
	if c.Demo {
		if cfg.Hosts, err = addDemo(ctx, db, cfg.BaseURL, port); err != nil {
			return err
		}
	}
	s, err := server.New(ctx, db, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := c.greet(ctx, db, std, cfg.BaseURL, port); err != nil {
		return err
	}
	return c.run(ctx, s, secured)
}

// wireScans gives the server what scans, and what looks whether domains belong to their sites.
func (c *serveCmd) wireScans(cfg *server.Config) {
	private := c.ScanPrivate || c.Demo
	cfg.Fetch = guard.Client(private, nil)
	if !c.Scans {
		return
	}
	cfg.Scan = func(ctx context.Context, address string, o scanner.Options) (judgement.Report, error) {
		o.AllowPrivate, o.RunAs = private, c.runAs()
		return scanner.Scan(ctx, address, o)
	}
}

// wireMail gives the server what sends letters, where there is a mail server.
func (c *serveCmd) wireMail(cfg *server.Config) error {
	if c.SMTPHost == "" {
		return nil
	}
	m := &server.SMTP{Host: c.SMTPHost, Port: c.SMTPPort, User: c.SMTPUser, Password: c.SMTPPassword, From: c.SMTPFrom, Security: c.SMTPSecurity}
	if err := m.Check(); err != nil {
		return consent.Invalid("bad_mail", err.Error())
	}
	cfg.Mail = m.Send
	return nil
}

// runAs is the user that runs browsers. Only root can choose, and root must: what a page does to its browser, it does as that
// user.
func (c *serveCmd) runAs() string {
	if os.Geteuid() != 0 {
		return ""
	}
	return c.BrowserUser
}

// greet prints where everything is, and the login where one was made.
func (c *serveCmd) greet(ctx context.Context, db *store.DB, std streams, base, port string) error {
	email, password, err := c.ownerLogin(ctx, db)
	if err != nil {
		return err
	}
	if c.Demo {
		fmt.Fprintf(std.out, "\n  Demo shop   http://shop.localhost%s/\n", port)
	}
	fmt.Fprintf(std.out, "  Dashboard   %s/\n", base)
	if password != "" {
		fmt.Fprintf(std.out, "              log in as %s with the one-time password %s\n", email, password)
	}
	if c.Demo {
		fmt.Fprintf(std.out, "  Script tag  %s\n", server.Tag(base, new(demoSite(port))))
	}
	_, err = fmt.Fprintln(std.out, "\n  Ctrl-C ends it.")
	return err
}

// ownerLogin makes the first login. The demo gets a new one-time password at each start, so that nobody has to
// remember the last one.
func (c *serveCmd) ownerLogin(ctx context.Context, db *store.DB) (email, password string, err error) {
	email, password, created, err := server.FirstOwner(ctx, db, time.Now())
	if err != nil || created || !c.Demo {
		return email, password, err
	}
	users, err := db.Users(ctx)
	if err != nil {
		return "", "", err
	}
	password = server.NewPassword()
	return users[0].Email, password, db.SetPassword(ctx, users[0].ID, server.HashPassword(password), true, deed("password_reset", "").With(users[0].Email, nil))
}

// demoSite is the shop under an id that stays the same, so that its tag does too.
func demoSite(port string) consent.Site {
	s := demo.Site(port)
	s.ID, s.CreatedAt = "fjordfletvaerk", time.Now().UTC().Truncate(time.Millisecond)
	return s
}

// addDemo registers the demo shop where it isn't yet and returns what serves it. It refuses data that hold anything
// else: the demo gives its user a new password at each start.
func addDemo(ctx context.Context, db *store.DB, base, port string) (map[string]http.Handler, error) {
	site := demoSite(port)
	sites, err := db.Sites(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.ID != site.ID {
			return nil, consent.Invalid("not_the_demos", "These data hold other sites. Give the demo a folder of its own with --data.")
		}
	}
	if err := storeDemo(ctx, db, base, site, sites); err != nil {
		return nil, err
	}
	h := demo.New(demo.Config{
		Tag: template.HTML(server.Tag(base, &site)), Embed: base + "/d/" + site.ID + "/embed.js", Port: port,
	})
	hosts := map[string]http.Handler{}
	for _, name := range demo.Hosts() {
		hosts[name] = h
	}
	return hosts, nil
}

// storeDemo adds the shop, or follows it to another port, and publishes where that hasn't happened.
func storeDemo(ctx context.Context, db *store.DB, base string, site consent.Site, stored []consent.Site) error {
	var err error
	switch {
	case len(stored) == 0:
		err = db.AddSite(ctx, site, append(demo.Planted(), server.OwnItems(&site)...), deed("site_added", site.ID))
	case stored[0].Homepage != site.Homepage:
		err = db.UpdateSite(ctx, site, deed("settings_changed", site.ID))
	}
	if err != nil {
		return err
	}
	if _, err := db.CurrentNotice(ctx, site.ID); consent.KindOf(err) != consent.KindNotFound {
		return err
	}
	_, err = server.Publish(ctx, db, base, time.Now(), site.ID, server.Publishing{Author: "samtykke serve --demo", Reason: "The demo's first banner", Material: true})
	return err
}

func networks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, aerr := netip.ParseAddr(s)
			if aerr != nil {
				return nil, consent.Invalid("bad_network", fmt.Sprintf("--trusted-proxy %q is neither an address nor a network such as 10.0.0.0/8.", s))
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// rarelyCollect lets garbage grow to four times what lives, which is little: under load a fifth of the processor's time
// goes to collecting it otherwise. The usual variable GOGC overrides it.
func rarelyCollect() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
