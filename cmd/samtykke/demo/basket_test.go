package demo

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestBasket_KeepsWhatIsOrdered(t *testing.T) {
	h := testDemo()
	first := ask(h, shopHost, "/produkt/braendekurv", url.Values{"antal": {"2"}})
	if first.StatusCode != http.StatusSeeOther || first.Header.Get("Location") != "/kurv" {
		t.Fatalf("ordering gave %d to %q", first.StatusCode, first.Header.Get("Location"))
	}
	mine := first.Cookies()[0]
	ask(h, shopHost, "/produkt/fiskekurv", url.Values{"antal": {"1"}}, mine)

	body := read(t, ask(h, shopHost, "/kurv", nil, mine))
	for _, want := range []string{"Fiskekurv", "Brændekurv", "2.300 kr.", "3.195 kr."} {
		if !strings.Contains(body, want) {
			t.Errorf("the basket shows no %q", want)
		}
	}
	ask(h, shopHost, "/kurv", url.Values{"vare": {"braendekurv"}, "antal": {"0"}}, mine)
	if body := read(t, ask(h, shopHost, "/kurv", nil, mine)); strings.Contains(body, "2.300 kr.") || !strings.Contains(body, "895 kr.") {
		t.Error("a product that was taken out is still there, or the other one is not")
	}
	if body := read(t, ask(h, shopHost, "/kurv", nil)); !strings.Contains(body, "Kurven er tom.") {
		t.Error("a stranger sees somebody's basket")
	}
}

func TestBaskets_AreLimited(t *testing.T) {
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	b := newBaskets(c.now)
	b.add("a", "fiskekurv", maxEach)
	b.add("a", "fiskekurv", maxEach)
	if d := cmp.Diff(map[string]int{"fiskekurv": maxEach}, b.pieces("a")); d != "" {
		t.Errorf("pieces of one product (-want +got)\n%s", d)
	}
	for i := range maxBaskets {
		c.at = c.at.Add(time.Second)
		b.add(fmt.Sprint(i), "fiskekurv", 1)
	}
	if len(b.byID) != maxBaskets || b.pieces("a") != nil || b.pieces("0") == nil {
		t.Errorf("%d baskets; the oldest should have gone, and it alone", len(b.byID))
	}
}

func TestBaskets_Expire(t *testing.T) {
	c := &clock{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	b := newBaskets(c.now)
	b.add("a", "fiskekurv", 1)
	c.at = c.at.Add(basketLife - 1)
	if b.pieces("a") == nil {
		t.Error("gone too early")
	}
	c.at = c.at.Add(1)
	if b.pieces("a") != nil {
		t.Error("still there")
	}
	b.add("a", "broedkurv", 1)
	if d := cmp.Diff(map[string]int{"broedkurv": 1}, b.pieces("a")); d != "" {
		t.Errorf("an expired basket came back (-want +got)\n%s", d)
	}
	b.set("a", "broedkurv", 0)
	if len(b.byID) != 0 {
		t.Error("an empty basket takes up room")
	}
}

func read(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
