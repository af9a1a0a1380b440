package scanner

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"samtykke/consent"
)

// Law 3.1 no. 2: pictures on any screen, of what a page shows when it says so; the same page anew for each of them.
func TestPictures_ShowThePageOnceItIsReady(t *testing.T) {
	t.Parallel()
	o := site{"shop.localhost/": `<meta name=viewport content="width=device-width"><body style="margin:0;background:#fff"><div id=x style="height:50px"></div>
		<script>requestAnimationFrame(()=>requestAnimationFrame(()=>{x.style.background=location.hash=="#two"?"#0000ff":"#ff0000";document.body.className+="painted"}))</script>`}.serve(t)
	shot := func(fragment string, width, height int) Shot {
		return Shot{URL: "http://shop.localhost/" + fragment, Width: width, Height: height, Mobile: width < 500, Ready: `document.body.className == "painted"`}
	}
	a, err := Pictures(t.Context(), o, []Shot{shot("", 1280, 800), shot("#two", 1280, 800), shot("#two", 390, 844)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(a.Browser, "/") || len(a.PNG) != 3 {
		t.Fatalf("%q took %d pictures", a.Browser, len(a.PNG))
	}
	red, blue := color.RGBA{255, 0, 0, 255}, color.RGBA{0, 0, 255, 255}
	for i, want := range []struct {
		size   image.Point
		stripe color.RGBA
	}{{image.Pt(1280, 800), red}, {image.Pt(1280, 800), blue}, {image.Pt(390, 844), blue}} {
		p, err := png.Decode(bytes.NewReader(a.PNG[i]))
		if err != nil {
			t.Fatal(err)
		}
		if got := color.RGBAModel.Convert(p.At(20, 20)); p.Bounds().Size() != want.size || got != want.stripe {
			t.Errorf("picture %d: %v, %v", i, p.Bounds(), got)
		}
	}
}

func TestPictures_FailInWords(t *testing.T) {
	t.Parallel()
	o := site{"shop.localhost/": "x", "shop.localhost/slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}.serve(t)
	o.PageTimeout = time.Second
	for _, c := range []Shot{
		{URL: "http://shop.localhost/", Width: 100, Height: 100, Ready: "false"},
		{URL: "http://shop.localhost/slow", Width: 100, Height: 100, Ready: "true"},
	} {
		if a, err := Pictures(t.Context(), o, []Shot{c}); err == nil || len(a.PNG) > 0 || !strings.Contains(err.Error(), c.URL) {
			t.Errorf("%s: %v", c.URL, err)
		}
	}
	o.Browser = "/nowhere/chromium"
	if _, err := Pictures(t.Context(), o, nil); consent.KindOf(err) != consent.KindUnavailable {
		t.Errorf("without Chromium: %v", err)
	}
}
