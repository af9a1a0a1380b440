package server

import (
	"encoding/csv"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/server/store"
)

// The columns of the log's CSV, in UTF-8 with a header (H14). Times are UTC, RFC 3339 with milliseconds. The three
// categories hold true or false, or nothing where the notice didn't ask. notice is the hash of the notice, and
// notice_version its number on the site. cleared and remaining are names with a space between; refused is providers
// as category/provider with a semicolon between. A value that a
// spreadsheet would read as a formula begins with '.
var csvColumns = []string{
	"id", "visitor", "at", "action", "preferences", "statistics", "marketing", "language", "method", "notice", "notice_version",
	"valid_until", "path", "cleared", "remaining", "refused",
}

const csvTime = "2006-01-02T15:04:05.000Z"

// extendWrite sends what is ready and gives the next part its own time: a slow reader of a large export is no
// stalled connection.
func (s *Server) extendWrite(c echo.Context) func() {
	control := http.NewResponseController(c.Response().Writer)
	return func() {
		_ = control.SetWriteDeadline(time.Now().Add(time.Minute)) // writers without deadlines have none to extend
		_ = control.Flush()
	}
}

// shown is a notice as a line tells it: its hash and its version.
type shown [2]string

func versionsOf(heads []store.NoticeHead) map[consent.Hash]shown {
	versions := map[consent.Hash]shown{}
	for _, h := range heads {
		versions[h.Hash] = shown{h.Hash.String(), strconv.Itoa(h.Version)}
	}
	return versions
}

// writeCSV writes the header and a line a record, calling flush every thousand lines.
func writeCSV(out io.Writer, records iter.Seq2[consent.Record, error], versions map[consent.Hash]shown, flush func()) error {
	w := csv.NewWriter(out)
	line := make([]string, 0, len(csvColumns))
	n := 0
	for r, err := range records {
		if err != nil {
			return err
		}
		if n == 0 {
			if err := w.Write(csvColumns); err != nil {
				return err
			}
		}
		notice, known := versions[r.Notice]
		if !known { // published since
			notice = shown{r.Notice.String(), "0"}
		}
		if err := w.Write(csvLine(line, &r, notice)); err != nil {
			return err
		}
		if n++; n%1000 == 0 {
			w.Flush()
			flush()
		}
	}
	if n == 0 {
		if err := w.Write(csvColumns); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

func csvLine(line []string, r *consent.Record, n shown) []string {
	line = append(line, r.ID.String(), r.Visitor.String(), r.At.UTC().Format(csvTime), string(r.Action))
	for _, k := range []consent.Category{consent.Preferences, consent.Statistics, consent.Marketing} {
		line = append(line, answer(r.Categories, k))
	}
	line = append(line, r.Language, string(r.Method), n[0], n[1], r.ValidUntil.UTC().Format(csvTime),
		r.Path, strings.Join(r.Cleared, " "), strings.Join(r.Remaining, " "), strings.Join(r.Refused, ";"))
	for i := range line {
		line[i] = inert(line[i])
	}
	return line
}

func answer(c consent.Choices, k consent.Category) string {
	if !c.Asked.Has(k) {
		return ""
	}
	return strconv.FormatBool(c.Given.Has(k))
}

// inert keeps a spreadsheet from reading a stranger's text as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
