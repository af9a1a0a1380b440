package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"samtykke/consent"
	"samtykke/scanner"
	"samtykke/server/store"
)

const (
	picturesEvery   = 2 * time.Second // how soon after publishing pictures are begun
	picturesTimeout = 5 * time.Minute // for one notice: four pictures a language
)

// device is a screen that notices are pictured on.
type device struct {
	Name          string
	Width, Height int
}

var devices = []device{{"desktop", 1280, 800}, {"mobile", 390, 844}}

// layerReady is true in a replay once a layer is on the screen.
var layerReady = map[int]string{
	1: `document.getElementById("samtykke")?.shadowRoot?.getElementById("banner")`,
	2: `document.getElementById("samtykke")?.shadowRoot?.querySelector("#dialog[open]")`,
}

// photographer takes the pictures of published notices, one notice at a time. What it failed at it tries again when somebody
// asks, or when the server starts; a Chromium that is missing, whenever something is published.
type photographer struct {
	mu     sync.Mutex
	seen   int64                  // the store's revision at which everything had its turn
	failed map[consent.Hash]error // for people
}

// startPictures takes the pictures of notices that have none, from now on. end stops it and waits until its browser is gone.
func (s *Server) startPictures(ctx context.Context) (end func()) {
	if s.cfg.Pictures == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.every(ctx, picturesEvery, s.takePictures)
	}()
	return func() {
		cancel()
		<-done
	}
}

// takePictures takes the pictures of every notice that has none, the newest first. It reads the database only where something
// has changed since the last time.
func (s *Server) takePictures(ctx context.Context) error {
	revision, err := s.db.Revision(ctx)
	if err != nil || !s.photos.due(revision) {
		return err
	}
	hashes, err := s.db.Unpictured(ctx)
	if err != nil {
		s.photos.again()
		return err
	}
	for _, h := range hashes {
		if s.photos.gaveUp(h) {
			continue
		}
		err := s.takePicturesOf(ctx, h)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.photos.note(h, err)
		if err != nil {
			s.cfg.Log.Warn("no pictures of a notice", slog.String("notice", h.String()), slog.Any("error", err))
		}
		if isNoBrowser(err) {
			return nil // the others would fail alike
		}
	}
	return nil
}

// due says whether there may be something to do, and takes it on.
func (p *photographer) due(revision int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	due := p.seen != revision
	p.seen = revision
	return due
}

// again makes the next pass look, and forgets that hashes failed.
func (p *photographer) again(hashes ...consent.Hash) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = 0
	for _, h := range hashes {
		delete(p.failed, h)
	}
}

func (p *photographer) gaveUp(h consent.Hash) bool {
	err := p.trouble(h)
	return err != nil && !isNoBrowser(err)
}

// trouble is why a notice has no pictures; nil where nothing went wrong.
func (p *photographer) trouble(h consent.Hash) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed[h]
}

func (p *photographer) note(h consent.Hash, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == nil {
		p.failed = map[consent.Hash]error{}
	}
	p.failed[h] = err
}

func isNoBrowser(err error) bool {
	var e *consent.Error
	return errors.As(err, &e) && e.Code == "no_browser"
}

// takePicturesOf takes and stores all pictures of one notice.
func (s *Server) takePicturesOf(ctx context.Context, h consent.Hash) error {
	switch _, intact, err := s.db.Reseal(ctx, h); {
	case err != nil:
		return err
	case !intact:
		return errAltered()
	}
	n, err := s.db.Notice(ctx, h)
	if err != nil {
		return err
	}
	base, end, err := stage(&n)
	if err != nil {
		return err
	}
	defer end()
	keys, shots := shotsOf(&n, base)
	release, err := s.takeBrowser(ctx)
	if err != nil {
		return err
	}
	shooting, cancel := context.WithTimeout(ctx, picturesTimeout)
	album, err := s.cfg.Pictures(shooting, shots)
	cancel()
	release()
	if err != nil {
		return err
	}
	pictures, at := make([]store.Picture, len(keys)), s.cfg.Now().UTC().Truncate(time.Millisecond)
	for i, k := range keys {
		pictures[i] = store.Picture{PictureKey: k, At: at, Browser: album.Browser, PNG: album.PNG[i]}
	}
	return s.db.AddPictures(ctx, h, pictures)
}

// shotsOf lists the pictures of a notice: each language on each device in both layers.
func shotsOf(n *consent.Notice, base string) (keys []store.PictureKey, shots []scanner.Shot) {
	for _, lang := range n.Content.Banner.Languages {
		for _, d := range devices {
			for _, layer := range []int{1, 2} {
				address := base + "/replay/" + lang
				if layer == 2 {
					address += "#samtykke=open"
				}
				keys = append(keys, store.PictureKey{Language: lang, Device: d.Name, Layer: layer})
				shots = append(shots, scanner.Shot{URL: address, Width: d.Width, Height: d.Height, Mobile: d.Name == "mobile", Ready: layerReady[layer]})
			}
		}
	}
	return keys, shots
}

// stage serves a notice's replay in each language to a browser on this machine, under an address that nobody else knows,
// until end is called. Nothing else is behind it: what a picture's page might send goes nowhere.
func stage(n *consent.Notice) (base string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("listen for the browser: %w", err)
	}
	base = "http://" + l.Addr().String() + "/" + strings.ToLower(rand.Text())
	mux := http.NewServeMux()
	place := func(address, kind string, body []byte, header func(http.Header)) {
		mux.HandleFunc("GET "+strings.TrimPrefix(address, "http://"+l.Addr().String()), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			header(w.Header())
			_, _ = w.Write(body)
		})
	}
	r := replay{Notice: n, Base: base}
	open := func(h http.Header) { h.Set("Access-Control-Allow-Origin", "*") } // a sandboxed page is of no origin
	place(r.File("js"), mime.TypeByExtension(".js"), n.Bundle.JS, open)
	for name, body := range n.Bundle.Files {
		place(r.File(name), mime.TypeByExtension(path.Ext(name)), body, open)
	}
	for _, r.Language = range n.Content.Banner.Languages {
		page, policy, err := r.write()
		if err != nil {
			l.Close()
			return "", nil, err
		}
		place(base+"/replay/"+r.Language, "text/html; charset=utf-8", page, func(h http.Header) { replayHeaders(h, policy) })
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go func() { _ = server.Serve(l) }()
	return base, func() { _ = server.Close() }, nil
}

// retakePictures lets the job try a notice's pictures again. Pictures that are there stay.
func (s *Server) retakePictures(c echo.Context) error {
	if err := s.pictureAgain(c); err != nil {
		return err
	}
	return seeOther(c, "/sites/"+c.Param("site")+"/notices/"+c.Param("version")+"?done=pictures")
}

// pictureAgain has the pictures of the address's notice taken, where there are none.
func (s *Server) pictureAgain(c echo.Context) error {
	h, err := s.noticeHash(c)
	if err != nil {
		return err
	}
	if s.cfg.Pictures == nil {
		return &consent.Error{Kind: consent.KindUnavailable, Code: "pictures_off", Message: "Pictures are switched off on this server."}
	}
	s.photos.again(h)
	return nil
}

// picture serves one picture of a notice: /sites/{site}/notices/3/pictures/da-desktop-1.png.
func (s *Server) picture(c echo.Context) error {
	h, err := s.noticeHash(c)
	if err != nil {
		return err
	}
	name, ok := strings.CutSuffix(c.Param("file"), ".png")
	parts := strings.Split(name, "-")
	if !ok || len(parts) != 3 {
		return echo.ErrNotFound
	}
	layer, _ := strconv.Atoi(parts[2]) // what is no number is layer 0, which there isn't
	png, err := s.db.Picture(c.Request().Context(), h, store.PictureKey{Language: parts[0], Device: parts[1], Layer: layer})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	return c.Blob(http.StatusOK, "image/png", png)
}

// noticePictures is what a notice's page tells of its pictures.
type noticePictures struct {
	Off     bool
	Trouble string // why there are none, for people
	At      time.Time
	Browser string
	Albums  []album
}

// album is the pictures in one language.
type album struct {
	Language string
	Pictures []picture
}

type picture struct {
	store.Picture
	Width, Height int
	File, Name    string // its address below the notice's, and what it is called on the reader's disk
}

// picturesOf tells what pictures there are of a notice, in the order of its languages.
func (s *Server) picturesOf(ctx context.Context, n *consent.Notice) (noticePictures, error) {
	d := noticePictures{Off: s.cfg.Pictures == nil}
	switch err := s.photos.trouble(n.Hash); {
	case isNoBrowser(err):
		d.Trouble = errNoChromium().Message
	case err != nil:
		d.Trouble = errNoPictures().Message
	}
	taken, err := s.db.Pictures(ctx, n.Hash)
	if err != nil || len(taken) == 0 {
		return d, err
	}
	d.At, d.Browser = taken[0].At, taken[0].Browser
	for _, lang := range n.Content.Banner.Languages {
		a := album{Language: lang}
		for _, p := range taken {
			at := slices.IndexFunc(devices, func(d device) bool { return d.Name == p.Device })
			if p.Language == lang && at >= 0 {
				file := fmt.Sprintf("%s-%s-%d.png", p.Language, p.Device, p.Layer)
				a.Pictures = append(a.Pictures, picture{p, devices[at].Width, devices[at].Height, file, fmt.Sprintf("%s-%d-%s", n.Site, n.Version, file)})
			}
		}
		if len(a.Pictures) > 0 {
			d.Albums = append(d.Albums, a)
		}
	}
	return d, nil
}

func errNoChromium() *consent.Error {
	return &consent.Error{Kind: consent.KindUnavailable, Code: "no_browser", Message: "There is no Chromium on the server. Install it there, then try again."}
}

func errNoPictures() *consent.Error {
	return &consent.Error{Kind: consent.KindUnavailable, Code: "no_pictures", Message: "The pictures could not be taken. The server's log says why."}
}
