package server

import (
	"bytes"
	"encoding/json"
	"testing"

	"samtykke/consent"
)

func TestNetwork_IsOneAsker(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "nonsense": "",
	} {
		if got := network(in); got != want {
			t.Errorf("%s counts as %q, want %q", in, got, want)
		}
	}
}

func TestDecodeAct_WantsOneObject(t *testing.T) {
	good, _ := json.Marshal(consent.Act{Categories: consent.NoneOf(consent.SetOf(consent.Statistics))})
	if _, err := decodeAct(append([]byte(" \n"), append(good, " \n"...)...)); err != nil {
		t.Errorf("white space around: %v", err)
	}
	for _, bad := range [][]byte{nil, []byte("null null"), append(bytes.Clone(good), '1'), append(bytes.Clone(good), good...)} {
		if _, err := decodeAct(bad); consent.KindOf(err) != consent.KindInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
