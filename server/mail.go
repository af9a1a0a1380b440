package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"strconv"
	"strings"
	"time"
)

// SMTP is a server that takes letters. The zero value of Security is starttls.
type SMTP struct {
	Host           string
	Port           int
	User, Password string // empty: without a login
	From           string // address, or "Name <address>"
	Security       string // starttls, tls, or none: for a server on this machine
}

// The ways to reach an SMTP server.
const (
	MailSTARTTLS = "starttls"
	MailTLS      = "tls"
	MailPlain    = "none"
)

// Letter is a message in plain text to one person.
type Letter struct{ To, Subject, Body string }

// mailTime is how long a letter may take.
const mailTime = 20 * time.Second

// Check says what is wrong with the settings.
func (m *SMTP) Check() error {
	if _, err := mail.ParseAddress(m.From); err != nil {
		return fmt.Errorf("the sender %q is no address: %w", m.From, err)
	}
	switch m.Security {
	case "", MailSTARTTLS, MailTLS, MailPlain:
		return nil
	}
	return fmt.Errorf("the security of mail is starttls, tls or none, not %q", m.Security)
}

// Send hands a letter over. Without TLS it sends nothing unless it was told to.
func (m *SMTP) Send(ctx context.Context, l Letter) error {
	to, err := mail.ParseAddress(l.To)
	if err != nil || to.Address != l.To || strings.ContainsAny(l.To, "\r\n") {
		return errors.New("the receiver is no address")
	}
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	c, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer c.Close()
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, m.Host)); err != nil {
			return fmt.Errorf("log in to the mail server: %w", err)
		}
	}
	if err := errors.Join(c.Mail(from.Address), c.Rcpt(to.Address)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(l.bytes(from, to, time.Now())); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

func (m *SMTP) dial(ctx context.Context) (*smtp.Client, error) {
	conf := &tls.Config{ServerName: m.Host, MinVersion: tls.VersionTLS12}
	address := net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	var conn net.Conn
	var err error
	if m.Security == MailTLS {
		conn, err = (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", address)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	if at, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(at); err != nil {
			conn.Close()
			return nil, err
		}
	}
	c, err := smtp.NewClient(conn, m.Host)
	if err == nil && m.Security != MailTLS && m.Security != MailPlain {
		err = c.StartTLS(conf)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (l *Letter) bytes(from, to *mail.Address, now time.Time) []byte {
	var b bytes.Buffer
	_, host, _ := strings.Cut(from.Address, "@")
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", l.Subject)},
		{"Date", now.Format(time.RFC1123Z)},
		{"Message-ID", "<" + newSecret() + "@" + host + ">"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
		{"Auto-Submitted", "auto-generated"},
	} {
		b.WriteString(h[0] + ": " + h[1] + "\r\n")
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	q.Write([]byte(strings.ReplaceAll(l.Body, "\n", "\r\n"))) //nolint:errcheck // a buffer takes everything
	q.Close()                                                 //nolint:errcheck // as above
	return b.Bytes()
}
