package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/mail"
	"strings"
	"testing"

	"samtykke/consent"
	"samtykke/server"
)

// postbox is a mail server that takes one letter, as RFC 5321 has it, and knows no TLS.
func postbox(t *testing.T) (*server.SMTP, <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	letters := make(chan string, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go take(c, letters)
		}
	}()
	return &server.SMTP{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, From: "Samtykke <nej@cmp.example>", Security: server.MailPlain}, letters
}

func take(c net.Conn, letters chan<- string) {
	defer c.Close()
	in := bufio.NewReader(c)
	fmt.Fprint(c, "220 here\r\n")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
		case "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			var b strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				b.WriteString(line)
			}
			letters <- b.String()
			fmt.Fprint(c, "250 taken\r\n")
		case "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 fine\r\n")
		}
	}
}

// An invitation goes out as a letter that a mail program reads, and its link works.
func TestInvitation_IsSentAsALetter(t *testing.T) {
	box, letters := postbox(t)
	o := newOffice(t, func(c *server.Config) { c.Mail = box.Send })
	a := o.post(consent.Owner, "/organisations/first/people", "op", "invite", "email", "ny@fjord.example", "role", "auditor", "limit", "every").wants(t, http.StatusOK)
	if !strings.Contains(text(a.doc), "Den er sendt som e-mail.") {
		t.Error(text(a.doc))
	}
	m, err := mail.ReadMessage(strings.NewReader(<-letters))
	o.check(err)
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	o.check(err)
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	o.check(err)
	if m.Header.Get("To") != "<ny@fjord.example>" || subject != "Invitation til Samtykke: Installationens organisation" {
		t.Errorf("%v %q", m.Header, subject)
	}
	_, link, _ := strings.Cut(string(body), "http://cmp.example")
	link, _, _ = strings.Cut(link, "\r\n")
	o.get(stranger, link).wants(t, http.StatusOK)
}

// Where the letter can't be sent the owner is told, and has the link all the same.
func TestInvitation_SurvivesTheMailServer(t *testing.T) {
	o := newOffice(t, func(c *server.Config) {
		c.Mail = func(context.Context, server.Letter) error { return errors.New("nobody there") }
	})
	a := o.post(consent.Owner, "/organisations/first/people", "op", "invite", "email", "ny@fjord.example", "role", "auditor", "limit", "every").wants(t, http.StatusOK)
	if words := text(a.doc); !strings.Contains(words, "E-mailen kunne ikke sendes.") || !strings.Contains(words, "/invitation/") {
		t.Error(words)
	}
}

// Nothing goes out unprotected unless it was asked for, and no receiver smuggles in lines.
func TestMail_RefusesWhatIsNotSafe(t *testing.T) {
	box, letters := postbox(t)
	for _, to := range []string{"a@b.example\r\nBcc: c@d.example", "A <a@b.example>", "", "a@b.example, c@d.example"} {
		if box.Send(t.Context(), server.Letter{To: to}) == nil {
			t.Errorf("a letter went to %q", to)
		}
	}
	box.Security = server.MailSTARTTLS
	if box.Send(t.Context(), server.Letter{To: "a@b.example"}) == nil {
		t.Error("a letter went without TLS")
	}
	if len(letters) > 0 {
		t.Error("a letter arrived")
	}
	for _, m := range []server.SMTP{{From: "nobody"}, {From: "a@b.example", Security: "perhaps"}} {
		if m.Check() == nil {
			t.Errorf("%+v passes", m)
		}
	}
}
