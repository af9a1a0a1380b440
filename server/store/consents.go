package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"samtykke/consent"
	"samtykke/server/ledger"
)

// row is a record as it is written and read.
type row struct {
	site, seq, notice, at int64
	visitor, id           uuid.UUID
	action, method, given int64
	language              string
	extra                 *string
	salt                  []byte
	device                Device // for the counts alone: it is never written with the act
}

const consentColumns = "site, seq, visitor, id, at, notice, action, method, given, language, extra, salt"

// columns is how many values append adds.
const columns = 12

// append adds the row's values in the order of consentColumns.
func (r *row) append(args []any) []any {
	return append(args, r.site, r.seq, r.visitor[:], r.id[:], r.at, r.notice, r.action, r.method, r.given, r.language, r.extra, r.salt)
}

const insertHead = "insert into consents (" + consentColumns + ") values "

// placeholders are rows of values, numbered from $1: ($1, $2), ($3, $4).
func placeholders(rows, values int) string {
	all := make([]string, rows)
	for i := range all {
		row := make([]string, values)
		for k := range row {
			row[k] = fmt.Sprintf("$%d", i*values+k+1)
		}
		all[i] = "(" + strings.Join(row, ", ") + ")"
	}
	return strings.Join(all, ", ")
}

// extra holds the optional fields of a record, which most rows don't have.
type extra struct {
	Path      string       `json:"path,omitzero"`
	Address   netip.Prefix `json:"address,omitzero"`
	Cleared   []string     `json:"cleared,omitempty"`
	Remaining []string     `json:"remaining,omitempty"`
	Refused   []string     `json:"refused,omitempty"`
}

// ErrReused says that another act was stored under the same visitor and id.
var ErrReused = &consent.Error{Kind: consent.KindConflict, Code: "id_reused", Message: "Another act of consent was recorded under this id."}

// errTwice says that one act of a group was there already.
var errTwice = errors.New("an act is there already")

// Append writes a group of records with their entries in the logs of their sites in one transaction, and returns when it
// is durable. errs has one entry a record: nil where it is stored now or was stored before (the first arrival's time and
// names of cookies stand), ErrReused where its id stands for another act, NotFound where its notice is unknown. err is a
// failure of the whole group: nothing of it was written. Records must have been validated. Times in a log don't go back: a
// record that is earlier than the one before it gets that one's time.
func (db *DB) Append(ctx context.Context, records []consent.Record) (errs []error, err error) {
	return db.AppendFrom(ctx, records, nil)
}

// AppendFrom is Append where it is known on which kinds of devices the acts were made, one for each record. Acts are counted by
// them; of no act it is kept.
func (db *DB) AppendFrom(ctx context.Context, records []consent.Record, devices []Device) (errs []error, err error) {
	errs = make([]error, len(records))
	rows, from := make([]row, 0, len(records)), make([]int, 0, len(records))
	for i := range records {
		r, err := db.toRow(ctx, &records[i])
		if err != nil {
			if consent.KindOf(err) != consent.KindNotFound {
				return nil, err
			}
			errs[i] = err
			continue
		}
		if devices != nil {
			r.device = devices[i]
		}
		rows, from = append(rows, r), append(from, i)
	}
	if len(rows) == 0 {
		return errs, nil
	}
	err = db.enter(ctx, rows, func(k int) *consent.Record { return &records[from[k]] }, nil)
	if !errors.Is(err, errTwice) {
		return errs, err
	}
	return errs, db.enter(ctx, rows, func(k int) *consent.Record { return &records[from[k]] }, func(k int, err error) { errs[from[k]] = err })
}

// enter writes a group. Where report is given, it first looks for those that are there already, leaves them out, and reports
// each that isn't the same.
func (db *DB) enter(ctx context.Context, rows []row, record func(int) *consent.Record, report func(int, error)) error {
	sites := []int64{}
	for i := range rows {
		if !slices.Contains(sites, rows[i].site) {
			sites = append(sites, rows[i].site)
		}
	}
	var heads map[int64]*head
	write := func(rows []row) iter.Seq[stmt] {
		gains := number(heads, rows, record)
		return all(db.dialect.insert(rows), grow(acts, heads, gains), count(rows), db.countDevices(rows))
	}
	var err error
	if report == nil {
		err = db.dialect.group(ctx, db, db.lockEnds(acts, sites), func(ends []end) (_ iter.Seq[stmt], err error) {
			// Whoever holds the lock sees through any connection what was committed before.
			if heads, err = db.headsAt(ctx, db.reader, acts, len(sites), ends); err != nil {
				return nil, err
			}
			return write(rows), nil
		})
	} else {
		err = db.tx(ctx, func(tx *sql.Tx) (err error) {
			if heads, err = db.lockHeads(ctx, tx, acts, sites); err != nil {
				return err
			}
			if rows, record, err = onlyNew(ctx, tx, rows, record, report); err != nil || len(rows) == 0 {
				return err
			}
			return run(ctx, tx, write(rows))
		})
	}
	if err == nil {
		db.keepHeads(acts, heads)
	}
	return err
}

// number gives each row its place in its site's log, its time and its salt.
func number(heads map[int64]*head, rows []row, record func(int) *consent.Record) map[int64]*gain {
	gains := make(map[int64]*gain, len(heads))
	salts := ledger.NewSalts(len(rows))
	var text []byte
	for i := range rows {
		r, g := &rows[i], gains[rows[i].site]
		if g == nil {
			g = &gain{}
			gains[r.site] = g
		}
		r.salt = salts[i*ledger.SaltLen : (i+1)*ledger.SaltLen]
		r.seq, r.at = g.add(heads[r.site], record(i).At.UnixMilli(), func(at int64) ledger.Hash {
			kept := *record(i)
			kept.ValidUntil = kept.ValidUntil.Add(time.UnixMilli(at).Sub(kept.At))
			kept.At = time.UnixMilli(at)
			text = kept.AppendCanonical(text[:0])
			return ledger.Leaf(r.salt, text)
		})
	}
	return gains
}

// onlyNew leaves out the acts that are there already, or twice in the group.
func onlyNew(ctx context.Context, tx *sql.Tx, rows []row, record func(int) *consent.Record, report func(int, error)) ([]row, func(int) *consent.Record, error) {
	seen := map[name]*row{}
	var added []row
	var records []*consent.Record
	for k := range rows {
		r := &rows[k]
		before := seen[r.name()]
		if before == nil {
			var err error
			if before, err = find(ctx, tx, r); err != nil {
				return nil, nil, err
			}
		}
		if before == nil {
			added, records = append(added, *r), append(records, record(k))
			before = r
		}
		seen[r.name()] = before
		if before.visitor != r.visitor || before.id != r.id || before.site != r.site || before.notice != r.notice || before.action != r.action || before.method != r.method ||
			before.given != r.given || before.language != r.language {
			report(k, ErrReused)
		}
	}
	return added, func(k int) *consent.Record { return records[k] }, nil
}

// find looks for what is stored under the act's names; nil where nothing is. The server's time of the first arrival stands.
func find(ctx context.Context, tx *sql.Tx, r *row) (*row, error) {
	var o row
	var visitor, id []byte
	err := tx.QueryRowContext(ctx, "select visitor, id, site, notice, action, method, given, language from consents where substr(visitor, 1, 10) = $1 and substr(id, 11) = $2",
		r.visitor[:10], r.id[10:]).Scan(&visitor, &id, &o.site, &o.notice, &o.action, &o.method, &o.given, &o.language)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	copy(o.visitor[:], visitor)
	copy(o.id[:], id)
	return &o, err
}

// name is what the index of visitors keeps of an act's names (migration 10).
type name [16]byte

func (r *row) name() (n name) {
	copy(n[copy(n[:], r.visitor[:10]):], r.id[10:])
	return n
}

// isVisitor is the condition that an act is of a visitor, a parameter or column, along the index of visitors.
func isVisitor(of string) string {
	return fmt.Sprintf("(visitor = %[1]s and substr(visitor, 1, 10) = substr(%[1]s, 1, 10))", of)
}

func (db *DB) toRow(ctx context.Context, r *consent.Record) (row, error) {
	n, err := db.ref(ctx, r.Notice)
	if err != nil {
		return row{}, err
	}
	if n.siteID != r.Site {
		return row{}, consent.NotFound("no_notice", noNotice)
	}
	out := row{
		site: n.site, notice: n.num, at: r.At.UnixMilli(), visitor: r.Visitor, id: r.ID,
		action: int64(r.Action.Number()), method: int64(r.Method.Number()), given: int64(r.Categories.Given), language: r.Language,
	}
	if r.Path != "" || r.Address.IsValid() || len(r.Cleared)+len(r.Remaining)+len(r.Refused) > 0 {
		b, err := json.Marshal(extra{r.Path, r.Address, r.Cleared, r.Remaining, r.Refused})
		if err != nil {
			return row{}, err
		}
		s := string(b)
		out.extra = &s
	}
	return out, nil
}

// Filter selects a site's records; zero values select everything.
type Filter struct {
	Site     string
	From, To time.Time // From inclusive, To exclusive
	Action   consent.Action
	Granted  consent.Category // only acts that granted it
	Notice   consent.Hash
	Visitor  uuid.UUID
	After    string // the cursor of the page before
	Limit    int    // rows a page, 1 to 1000; 0 is 50
}

const selectConsents = "select " + consentColumns + " from consents "

// Page is a page of records, the newest first, and the cursor of the next page ("" at the end). A page that isn't full
// has a next one where the search was stopped before it took too long; everything before Searched has been looked at.
type Page struct {
	Records  []consent.Record
	Next     string
	Searched time.Time // zero where the search came to its end, or the page is full
}

// Consents reads one page of records. It reads along an index from the cursor on: the hundredth page costs what
// the first does. Of what few records fit, it looks at no more than maxExamined a page.
func (db *DB) Consents(ctx context.Context, f Filter) (p Page, err error) {
	if f.Limit <= 0 || f.Limit > 1000 {
		f.Limit = 50
	}
	var rows []row
	var stopped int64
	if f.Visitor == uuid.Nil && (f.Action.Number() >= 0 || f.Granted.Optional() || f.Notice != consent.Hash{}) {
		rows, stopped, err = db.search(ctx, f)
	} else {
		rows, err = db.some(ctx, f, 0, math.MaxInt64, f.Limit+1)
	}
	if err != nil {
		return Page{}, err
	}
	switch {
	case len(rows) > f.Limit:
		rows = rows[:f.Limit]
		p.Next = strconv.FormatInt(rows[f.Limit-1].seq, 10)
	case stopped > 0:
		p.Next = strconv.FormatInt(stopped, 10)
		if p.Searched, err = db.timeAt(ctx, f.Site, stopped); err != nil {
			return Page{}, err
		}
	}
	p.Records = make([]consent.Record, len(rows))
	for i := range rows {
		if p.Records[i], err = db.toRecord(ctx, &rows[i]); err != nil {
			return Page{}, err
		}
	}
	return p, nil
}

func readCursor(s string) (int64, error) {
	seq, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, consent.Invalid("bad_cursor", "The page's cursor is broken; start from the first page.")
	}
	return seq, nil
}

// where builds the condition of a filter.
func (db *DB) where(ctx context.Context, f Filter) (string, []any, error) {
	site, err := db.siteNum(ctx, f.Site)
	if err != nil {
		return "", nil, err
	}
	cond, args := []string{"site = $1"}, []any{site}
	if f.Visitor != uuid.Nil {
		// A visitor has few acts. Without the + 0 SQLite walks the whole site, since that spares it a sort.
		cond[0] = "site + 0 = $1"
	}
	add := func(c string, vs ...any) {
		for _, v := range vs {
			args = append(args, v)
			c = strings.Replace(c, "?", fmt.Sprintf("$%d", len(args)), 1)
		}
		cond = append(cond, c)
	}
	if !f.From.IsZero() {
		first, err := firstAt(ctx, db.reader, site, f.From.UnixMilli())
		if err != nil {
			return "", nil, err
		}
		add("seq >= ? and at >= ?", first, f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		first, err := firstAt(ctx, db.reader, site, f.To.UnixMilli())
		if err != nil {
			return "", nil, err
		}
		add("seq < ? and at < ?", first+ledger.Width, f.To.UnixMilli())
	}
	if n := f.Action.Number(); n >= 0 {
		add("action = ?", n)
	}
	if f.Granted.Optional() {
		add("given & ? <> 0", int64(consent.SetOf(f.Granted)))
	}
	if f.Visitor != uuid.Nil {
		add("visitor = ? and substr(visitor, 1, 10) = ?", f.Visitor[:], f.Visitor[:10])
	}
	if f.Notice != (consent.Hash{}) {
		n, err := db.ref(ctx, f.Notice)
		if err != nil {
			return "", nil, err
		}
		add("notice = ?", n.num)
	}
	if f.After != "" {
		seq, err := readCursor(f.After)
		if err != nil {
			return "", nil, err
		}
		add("seq < ?", seq)
	}
	return "where " + strings.Join(cond, " and "), args, nil
}

func scanConsent(rows *sql.Rows) (row, error) { return scanConsentAnd(rows) }

// scanConsentAnd reads a row with further columns behind it.
func scanConsentAnd(rows *sql.Rows, more ...any) (r row, err error) {
	var visitor, id sql.RawBytes // copied at once
	err = rows.Scan(append([]any{&r.site, &r.seq, &visitor, &id, &r.at, &r.notice, &r.action, &r.method, &r.given, &r.language, &r.extra, &r.salt}, more...)...)
	copy(r.visitor[:], visitor)
	copy(r.id[:], id)
	return r, err
}

// toRecord is the way back from toRow.
func (db *DB) toRecord(ctx context.Context, r *row) (consent.Record, error) {
	n, err := db.refByNum(ctx, r.notice)
	if err != nil {
		return consent.Record{}, err
	}
	if r.action >= int64(len(consent.Actions)) || r.method >= int64(len(consent.Methods)) {
		return consent.Record{}, fmt.Errorf("record %s has action %d and method %d", r.id, r.action, r.method)
	}
	at := time.UnixMilli(r.at).UTC()
	out := consent.Record{
		Act: consent.Act{
			ID: r.id, Visitor: r.visitor, Notice: n.hash, Action: consent.Actions[r.action], Method: consent.Methods[r.method],
			Categories: consent.Choices{Asked: n.asked, Given: consent.Set(r.given)}, Language: r.language,
		},
		Site: n.siteID, At: at, ValidUntil: at.Add(n.validity),
	}
	if r.extra == nil {
		return out, nil
	}
	var x extra
	err = json.Unmarshal([]byte(*r.extra), &x)
	out.Path, out.Address, out.Cleared, out.Remaining, out.Refused = x.Path, x.Address, x.Cleared, x.Remaining, x.Refused
	return out, err
}

// Visitor reads the acts of one visitor on one site, the oldest first, of more than a thousand the newest; none is not
// an error.
func (db *DB) Visitor(ctx context.Context, site string, visitor uuid.UUID) ([]consent.Record, error) {
	if visitor == uuid.Nil { // nobody; in a filter it would mean everybody
		return nil, nil
	}
	p, err := db.Consents(ctx, Filter{Site: site, Visitor: visitor, Limit: 1000})
	slices.Reverse(p.Records)
	return p.Records, err
}

// Consent reads one act; absence is NotFound.
func (db *DB) Consent(ctx context.Context, site string, visitor, id uuid.UUID) (consent.Record, error) {
	acts, err := db.Visitor(ctx, site, visitor)
	for i := range acts {
		if bytes.Equal(acts[i].ID[:], id[:]) {
			return acts[i], err
		}
	}
	return consent.Record{}, cmp.Or(err, error(consent.NotFound("no_record", "There is no such record.")))
}

// All yields a filter's records, the newest first, in pages behind the scenes: memory stays constant and no
// transaction stays open, however slow the reader is. A page is read while the one before it is used.
func (db *DB) All(ctx context.Context, f Filter) iter.Seq2[consent.Record, error] {
	pages := func(yield func([]consent.Record, error) bool) {
		f.Limit = 1000
		for more := true; more; {
			p, err := db.Consents(ctx, f)
			f.After, more = p.Next, err == nil && p.Next != ""
			if !yield(p.Records, err) {
				return
			}
		}
	}
	return func(yield func(consent.Record, error) bool) {
		for page, err := range ahead(pages) {
			if err != nil {
				yield(consent.Record{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
		}
	}
}

// ahead makes the next one while the one before it is used. Nothing is made any more when it is over: the caller may
// close what it is made from.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type made struct {
		one T
		err error
	}
	return func(yield func(T, error) bool) {
		next, enough := make(chan made), make(chan struct{})
		go func() {
			defer close(next)
			for one, err := range seq {
				select {
				case next <- made{one, err}:
				case <-enough:
					return
				}
			}
		}()
		defer func() {
			close(enough)
			for range next { //nolint:revive // until it is closed
			}
		}()
		for m := range next {
			if !yield(m.one, m.err) {
				return
			}
		}
	}
}
