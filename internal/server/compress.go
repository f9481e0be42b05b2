package server

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Answers below leastZipped travel in one packet either way. Those from keptZipped on are worth keeping in their compressed form.
const (
	leastZipped = 1400
	keptZipped  = 64 << 10
)

// zippedTag ends the entity tag of a compressed answer: other bytes, another tag (RFC 9110 §8.8.3.3).
const zippedTag = "-gzip"

// Compress sends what next answers to a GET in gzip to clients that take it, and answers conditional requests for both forms.
// It holds the whole answer, and keeps the last large one with a strong entity tag: those bytes and no others have that tag. It is for
// what everybody may see: the length of a compressed page that has a secret beside what a visitor sent tells of the secret.
func Compress(next http.Handler) http.Handler {
	var kept atomic.Pointer[zipped]
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.Header.Get("If-None-Match")
		if asked != "" {
			r = r.Clone(r.Context())
			r.Header.Set("If-None-Match", strings.ReplaceAll(strings.TrimPrefix(asked, "W/"), zippedTag+`"`, `"`))
		}
		h := held{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(&h, r)
		h.send(asked, takesGzip(r), &kept)
	})
}

// zipped is a compressed answer with the tag of the plain one.
type zipped struct {
	tag  string
	body []byte
}

// held keeps an answer until it is whole.
type held struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (h *held) WriteHeader(status int)      { h.status = status }
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }

// send answers. A client that hangs up is not our error.
func (h *held) send(asked string, takes bool, kept *atomic.Pointer[zipped]) {
	header, body := h.Header(), h.body.Bytes()
	if h.status != http.StatusOK && h.status != http.StatusNotModified {
		h.ResponseWriter.WriteHeader(h.status)
		_, _ = h.ResponseWriter.Write(body)
		return
	}
	header.Add("Vary", "Accept-Encoding")
	tag := header.Get("ETag")
	pack := takes && header.Get("Content-Encoding") == "" && (h.status == http.StatusNotModified || len(body) >= leastZipped)
	if pack && tag != "" {
		header.Set("ETag", strings.TrimSuffix(tag, `"`)+zippedTag+`"`)
	}
	if h.status == http.StatusNotModified || names(asked, header.Get("ETag")) {
		h.ResponseWriter.WriteHeader(http.StatusNotModified)
		return
	}
	if pack {
		body = compressed(tag, body, kept)
		header.Set("Content-Encoding", "gzip")
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(body)
}

// compressed is the body in gzip, the one that was kept where it is the same.
func compressed(tag string, body []byte, kept *atomic.Pointer[zipped]) []byte {
	keep := len(body) >= keptZipped && strings.HasPrefix(tag, `"`)
	if z := kept.Load(); keep && z != nil && z.tag == tag {
		return z.body
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // a buffer takes everything
	_ = w.Close()
	if keep {
		kept.Store(&zipped{tag, b.Bytes()})
	}
	return b.Bytes()
}

// takesGzip tells whether the client takes gzip (RFC 9110 §12.5.3); q=0 is how one says that it does not.
func takesGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(one, " ", ""), ";")
		if strings.EqualFold(name, "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(weight), "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

// names tells whether an If-None-Match names the tag, or any at all (RFC 9110 §13.1.2: by weak comparison).
func names(asked, tag string) bool {
	for one := range strings.SplitSeq(asked, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || tag != "" && strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
