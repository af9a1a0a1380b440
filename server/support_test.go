package server_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"

	"samtykke/consent"
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
