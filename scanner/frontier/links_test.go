package frontier

import (
	"slices"
	"testing"
)

func TestLinks_StayOnTheSite(t *testing.T) {
	got := Links("https://www.shop.dk/start", []string{
		"https://www.shop.dk/a#x", "https://www.shop.dk/a#y", "https://www.shop.dk", "https://shop.dk/b?x=1", "https://en.shop.dk/", "https://other.dk/",
		"mailto:a@shop.dk", "javascript:void(0)", "https://www.shop.dk/logout", "https://www.shop.dk/log-ud", "https://www.shop.dk/pris.PDF",
		"https://me:pw@www.shop.dk/", "://", "https://www.shop.dk/?add-to-cart=5", "https://www.shop.dk/pusletasker",
		"https://www.shop.dk/cart/add?id=4", "https://www.shop.dk/kurv/tilf%C3%B8j/4", "https://www.shop.dk/koeb", "https://www.shop.dk/k%C3%B8b/4",
		"https://www.shop.dk/Checkout/", "https://www.shop.dk/order?id=4", "https://www.shop.dk/konto/slet", "https://www.shop.dk/a?action=unsubscribe",
		"https://www.shop.dk/a?remove_item=4", "https://www.shop.dk/borders", "https://www.shop.dk/kurv", "https://www.shop.dk/koebmand",
	})
	want := []string{
		"https://www.shop.dk/a", "https://www.shop.dk/", "https://shop.dk/b?x=1", "https://en.shop.dk/",
		"https://www.shop.dk/pusletasker", "https://www.shop.dk/borders", "https://www.shop.dk/kurv", "https://www.shop.dk/koebmand",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
