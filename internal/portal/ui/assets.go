package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// staticPrefix is where static files live. The address of a file carries the hash of its content, so that browsers may
// keep it for ever.
const staticPrefix = "/static/"

// asset is one file. It is read and compressed when it is first asked for, so that no start waits for it and no portal
// keeps fonts that nobody wanted of it.
type asset struct {
	kind string // media type
	load func() (content, error)
}

type content struct {
	plain  []byte
	zipped []byte // nil where compression does not help
}

// assets are the static files by their hashed name, and the hashed name by the plain one. Fonts and the decoder of QR codes
// keep their plain names, because files of their own name them; their directories carry the version of the package.
type assets struct {
	byURL map[string]asset
	urls  map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{byURL: map[string]asset{}, urls: map[string]string{}}
	err := fs.WalkDir(staticFiles, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return a.add(strings.TrimPrefix(name, "static/"))
	})
	if err != nil {
		return nil, fmt.Errorf("loading the static files: %w", err)
	}
	return a, nil
}

func (a *assets) add(name string) error {
	url := staticPrefix + name
	if !strings.Contains(name, "/") {
		raw, err := staticFiles.ReadFile("static/" + name)
		if err != nil {
			return err
		}
		sum, ext := sha256.Sum256(raw), path.Ext(name)
		url = staticPrefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	}
	kind := mediaType(name)
	a.byURL[url] = asset{kind: kind, load: sync.OnceValues(func() (content, error) { return loadContent(name, kind) })}
	a.urls[name] = url
	return nil
}

func loadContent(name, kind string) (c content, err error) {
	if c.plain, err = staticFiles.ReadFile("static/" + name); err != nil {
		return c, fmt.Errorf("loading a static file: %w", err)
	}
	if strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "image/svg") || kind == "application/wasm" {
		if c.zipped, err = gzipped(c.plain); err != nil {
			return c, fmt.Errorf("compressing %s: %w", name, err)
		}
	}
	return c, nil
}

func mediaType(name string) string {
	switch ext := path.Ext(name); ext {
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".txt", "":
		return "text/plain; charset=utf-8"
	default:
		return mime.TypeByExtension(ext)
	}
}

func gzipped(raw []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// URL returns the address of a static file, "" for one that does not exist.
func (a *assets) URL(name string) string { return a.urls[name] }

// Static returns the content of a static file, for an address at which it has to lie by itself.
func (s *Site) Static(name string) ([]byte, error) {
	raw, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		return nil, fmt.Errorf("reading a static file: %w", err)
	}
	return raw, nil
}

// serveAssets answers the static files before anything else looks at the request.
func (s *Site) serveAssets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := s.assets.byURL[r.URL.Path]
		if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			next.ServeHTTP(w, r)
			return
		}
		loaded, err := file.load()
		if err != nil {
			s.Handler(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, r)
			return
		}
		body, h := loaded.plain, w.Header()
		h.Set("Content-Type", file.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if loaded.zipped != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = loaded.zipped
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // a visitor who hangs up is not our error
		}
	})
}
