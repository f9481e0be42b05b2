package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCompress(t *testing.T) {
	t.Parallel()
	large, small := strings.Repeat("published ", 10_000), "few"
	answer := func(tag, body string) http.Handler {
		return Compress(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", tag)
			if r.Header.Get("If-None-Match") == tag && tag != "" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = io.WriteString(w, body)
		}))
	}
	refusing := Compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, large, http.StatusInternalServerError)
	}))
	whole := answer(`"v1"`, large)
	for name, c := range map[string]struct {
		h              http.Handler
		accept, none   string
		status         int
		tag, body, how string // of the answer; the body as the client reads it
	}{
		"gzip":                        {whole, "br, gzip", "", 200, `"v1-gzip"`, large, "gzip"},
		"gzip by weight":              {whole, "gzip; q=0.5", "", 200, `"v1-gzip"`, large, "gzip"},
		"not asked for":               {whole, "", "", 200, `"v1"`, large, ""},
		"refused":                     {whole, "br, gzip;q=0", "", 200, `"v1"`, large, ""},
		"not a weight":                {whole, "gzip;level=9", "", 200, `"v1"`, large, ""},
		"too small":                   {answer(`"s"`, small), "gzip", "", 200, `"s"`, small, ""},
		"without a tag":               {answer("", large), "gzip", "", 200, "", large, "gzip"},
		"an error":                    {refusing, "gzip", "", 500, "", large + "\n", ""},
		"again, compressed":           {whole, "gzip", `"v1-gzip"`, 304, `"v1-gzip"`, "", ""},
		"again, plain":                {whole, "", `"v1"`, 304, `"v1"`, "", ""},
		"again, after a proxy":        {whole, "gzip", `W/"v1"`, 304, `"v1-gzip"`, "", ""},
		"again, one of several":       {whole, "gzip", `"v0", W/"v1-gzip"`, 304, `"v1-gzip"`, "", ""},
		"again, any":                  {whole, "gzip", "*", 304, `"v1-gzip"`, "", ""},
		"another version":             {whole, "gzip", `"v0-gzip"`, 200, `"v1-gzip"`, large, "gzip"},
		"a condition without the tag": {answer("", large), "", `"v1"`, 200, "", large, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", c.accept)
		if c.none != "" {
			r.Header.Set("If-None-Match", c.none)
		}
		w := httptest.NewRecorder()
		c.h.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Header().Get("Content-Encoding") == "gzip" {
			body = unzipped(t, w.Body.Bytes())
		}
		if w.Code != c.status || w.Header().Get("ETag") != c.tag || w.Header().Get("Content-Encoding") != c.how || body != c.body {
			t.Errorf("%s: %d, tag %s, encoding %q, %d bytes", name, w.Code, w.Header().Get("ETag"), w.Header().Get("Content-Encoding"), len(body))
		}
		if c.status < 400 && w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary is %q", name, w.Header().Get("Vary"))
		}
	}
}

// TestCompressKeepsNoOldAnswer: what was kept is another's once the tag is.
func TestCompressKeepsNoOldAnswer(t *testing.T) {
	t.Parallel()
	version := "1"
	h := Compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"`+version+`"`)
		_, _ = io.WriteString(w, strings.Repeat(version, keptZipped))
	}))
	for _, version = range []string{"1", "1", "2", "1"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := unzipped(t, w.Body.Bytes()); got != strings.Repeat(version, keptZipped) {
			t.Errorf("version %s: got %d bytes that begin with %.1s", version, len(got), got)
		}
	}
}

func unzipped(t *testing.T, raw []byte) string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}
