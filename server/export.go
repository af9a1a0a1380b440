package server

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"time"

	"samtykke/consent"
	"samtykke/server/declaration"
	"samtykke/server/store"
)

// ExportCSV writes the records of a filter, the newest first, with the columns of csvColumns. Memory stays
// constant however many there are.
func ExportCSV(ctx context.Context, db *store.DB, f store.Filter, out io.Writer) error {
	heads, err := db.NoticeHeads(ctx, f.Site)
	if err != nil {
		return err
	}
	versions := map[consent.Hash]int{}
	for _, h := range heads {
		versions[h.Hash] = h.Version
	}
	return writeCSV(out, db.All(ctx, f), versions, func() {})
}

// ExportJSONL writes one record a line in its canonical encoding (docs/consent-record.md), the newest first.
func ExportJSONL(ctx context.Context, db *store.DB, f store.Filter, out io.Writer) error {
	w := bufio.NewWriter(out)
	var line []byte
	for r, err := range db.All(ctx, f) {
		if err != nil {
			return err
		}
		line = append(r.AppendCanonical(line[:0]), '\n')
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// ReadDeclaration reads the JSON that /d/{site}/{lang}.json answers back into what the site declares.
func ReadDeclaration(b []byte) ([]consent.Item, error) {
	var d declaration.Declaration
	if err := json.Unmarshal(b, &d); err != nil || d.Categories == nil {
		return nil, consent.Invalid("bad_declaration", "This is not the JSON of a cookie declaration, as /d/{site}/{language}.json answers it.")
	}
	var items []consent.Item
	for _, c := range d.Categories {
		for _, i := range c.Items {
			item := consent.Item{
				Kind: i.Kind, Name: i.Name, Host: i.Host, Party: i.Party, Category: c.Category, Provider: i.Provider, Country: i.Country,
				Lifetime: consent.Persistent, Purpose: inLanguage(i.PurposeLanguage, i.Purpose), Reason: inLanguage(i.ReasonLanguage, i.Reason),
			}
			if i.LifetimeSeconds != nil {
				item.Lifetime = time.Duration(*i.LifetimeSeconds) * time.Second
			}
			if err := item.Validate(); err != nil {
				return nil, err
			}
			items = append(items, item)
		}
	}
	return items, nil
}

func inLanguage(language, text string) map[string]string {
	if text == "" {
		return nil
	}
	return map[string]string{language: text}
}
