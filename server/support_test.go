package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"testing"

	"samtykke/consent"
	"samtykke/server"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.0.2.0/24")}

func logTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func asConsentError(err error, e **consent.Error) bool { return errors.As(err, e) }

// declare is an edit that replaces the whole declaration.
func declare(items []consent.Item) func([]consent.Item) ([]consent.Item, error) {
	return func([]consent.Item) ([]consent.Item, error) { return items, nil }
}

// keepItems is an edit that changes nothing.
func keepItems(items []consent.Item) ([]consent.Item, error) { return items, nil }

// reopen starts another server on the same data.
func (s *shop) reopen(t testing.TB) {
	t.Helper()
	other, err := server.New(t.Context(), s.db, server.Config{BaseURL: "https://cmp.example"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	s.Server = other
}
