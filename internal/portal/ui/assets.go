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
)

//go:embed static
var staticFiles embed.FS

// staticPrefix is where static files live. The address of a file carries the hash of its content, so that browsers may
// keep it for ever.
const staticPrefix = "/static/"

type asset struct {
	kind   string // media type
	plain  []byte
	zipped []byte // nil where compression does not help
}

// assets are the static files by their hashed name, and the hashed name by the plain one. Fonts keep their plain name,
// because the style sheet names them; their directory carries the version of the font package.
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
		raw, err := fs.ReadFile(staticFiles, name)
		if err != nil {
			return err
		}
		return a.add(strings.TrimPrefix(name, "static/"), raw)
	})
	if err != nil {
		return nil, fmt.Errorf("loading the static files: %w", err)
	}
	return a, nil
}

func (a *assets) add(name string, raw []byte) error {
	url := staticPrefix + name
	if !strings.HasPrefix(name, "fonts/") {
		sum, ext := sha256.Sum256(raw), path.Ext(name)
		url = staticPrefix + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	}
	file := asset{kind: mediaType(name), plain: raw}
	if strings.HasPrefix(file.kind, "text/") || strings.HasPrefix(file.kind, "image/svg") {
		zipped, err := gzipped(raw)
		if err != nil {
			return fmt.Errorf("compressing %s: %w", name, err)
		}
		file.zipped = zipped
	}
	a.byURL[url], a.urls[name] = file, url
	return nil
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

// serveAssets answers the static files before anything else looks at the request.
func (s *Site) serveAssets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := s.assets.byURL[r.URL.Path]
		if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			next.ServeHTTP(w, r)
			return
		}
		body, h := file.plain, w.Header()
		h.Set("Content-Type", file.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if file.zipped != nil {
			h.Set("Vary", "Accept-Encoding")
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				h.Set("Content-Encoding", "gzip")
				body = file.zipped
			}
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // a visitor who hangs up is not our error
		}
	})
}
