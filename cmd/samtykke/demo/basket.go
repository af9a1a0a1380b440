package demo

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Baskets live in memory only, so their number, size and age are limited.
const (
	maxBaskets = 1000
	maxEach    = 12 // pieces of one product
	basketLife = 2 * time.Hour
)

// baskets keeps what visitors put in their baskets, by the id in their cookie.
type baskets struct {
	now  func() time.Time
	mu   sync.Mutex
	byID map[string]basket
}

type basket struct {
	pieces map[string]int // product, how many: at least 1
	used   time.Time      // when it was last changed
}

func newBaskets(now func() time.Time) *baskets {
	return &baskets{now: now, byID: map[string]basket{}}
}

// pieces returns a copy of what is in the basket; nil for an unknown or expired one.
func (b *baskets) pieces(id string) map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found, ok := b.byID[id]; ok && !b.expired(found) {
		return maps.Clone(found.pieces)
	}
	return nil
}

// add puts n more pieces of a product in the basket, up to maxEach in all.
func (b *baskets) add(id, product string, n int) {
	b.change(id, product, func(had int) int { return had + n })
}

// set makes the basket hold n pieces of a product, up to maxEach; none removes the product.
func (b *baskets) set(id, product string, n int) {
	b.change(id, product, func(int) int { return n })
}

func (b *baskets) change(id, product string, count func(had int) int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, ok := b.byID[id]
	if !ok || b.expired(old) {
		b.makeRoom()
		old = basket{pieces: map[string]int{}}
	}
	if n := min(count(old.pieces[product]), maxEach); n > 0 {
		old.pieces[product] = n
	} else {
		delete(old.pieces, product)
	}
	if len(old.pieces) == 0 {
		delete(b.byID, id)
		return
	}
	b.byID[id] = basket{pieces: old.pieces, used: b.now()}
}

// makeRoom drops what has expired and, if that was not enough, the basket that was left alone the longest.
func (b *baskets) makeRoom() {
	maps.DeleteFunc(b.byID, func(_ string, x basket) bool { return b.expired(x) })
	if len(b.byID) < maxBaskets {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Keys(b.byID)), func(x, y string) int {
		return cmp.Or(b.byID[x].used.Compare(b.byID[y].used), cmp.Compare(x, y))
	})
	delete(b.byID, oldest)
}

func (b *baskets) expired(x basket) bool { return b.now().Sub(x.used) >= basketLife }

// basketID is the id of the visitor's basket. A visitor without one gets the session cookie that keeps it.
func basketID(w http.ResponseWriter, r *http.Request) string {
	if id := knownID(r, "kurv"); id != "" {
		return id
	}
	id := rand.Text()
	http.SetCookie(w, &http.Cookie{Name: "kurv", Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return id
}
