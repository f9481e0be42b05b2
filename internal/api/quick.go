package api

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"akashi/internal/server"
)

// bodyPatience is how long the body of a question may take.
const bodyPatience = 5 * time.Second

// quick answers the question that programs ask most, and in the form that nearly all of them give it, without the description's
// general way of reading and writing: described has the same answer to it, byte for byte, and the answer to every other. Reading the
// JSON twice into values that the schema can be held against took as long as checking the signature.
func (s *service) quick(described http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.allowed(w, r) {
			return
		}
		if !plainly(r) {
			described(w, r)
			return
		}
		buf := buffers.Get().(*buffer)
		defer buffers.Put(buf)
		credential, ok := buf.question(w, r)
		if !ok {
			described(w, r)
			return
		}
		a := s.checked(r.Context(), credential)
		if date := w.Header().Get(FieldVersion); date != Newest() {
			a = answered(date, a).(Verification)
		}
		w.Header()["Content-Type"] = []string{jsonMedia}
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(buf.write(&a)) // a client that hangs up is not our error
	}
}

// maxPlain is the longest question in the plain form: a credential as long as the description lets it be, and what stands around it.
const maxPlain = maxCredential + 32

// plainly tells whether a request may have the plain form, by its head: JSON of a known length for a client that takes JSON.
func plainly(r *http.Request) bool {
	media, accept := r.Header["Content-Type"], r.Header["Accept"]
	return r.ContentLength > 0 && r.ContentLength <= maxPlain && len(media) == 1 && media[0] == jsonMedia &&
		(len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == jsonMedia))
}

// buffer holds a question, then its answer.
type buffer struct{ bytes []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 4<<10)} }}

// question reads the body. What is not in the plain form, or does not come, is put back for somebody else to read.
func (b *buffer) question(w http.ResponseWriter, r *http.Request) (credential string, ok bool) {
	server.ReadWithin(w, bodyPatience) // as the described operation does
	b.bytes = slices.Grow(b.bytes[:0], int(r.ContentLength))[:r.ContentLength]
	n, err := io.ReadFull(r.Body, b.bytes)
	if err == nil {
		if credential, ok = plainQuestion(b.bytes); ok {
			return credential, true
		}
	}
	if err == nil {
		err = io.EOF
	}
	r.Body = again{io.MultiReader(bytes.NewReader(b.bytes[:n]), ended{err}), r.Body}
	return "", false
}

// again is a body that was read.
type again struct {
	io.Reader
	io.Closer
}

// ended ends a body as it ended before.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }

// plainQuestion takes the credential out of {"credential":"…"}: with or without a space behind the colon and the end of a line at the
// end, which is how programs write it, and of characters that stand for themselves in JSON and count one each.
func plainQuestion(body []byte) (credential string, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte(`{"credential":`))
	if !ok {
		return "", false
	}
	rest = bytes.TrimPrefix(rest, []byte(" "))
	rest = bytes.TrimSuffix(rest, []byte("\n"))
	if len(rest) < len(`"x"}`) || rest[0] != '"' || string(rest[len(rest)-2:]) != `"}` {
		return "", false
	}
	rest = rest[1 : len(rest)-2]
	if len(rest) > maxCredential {
		return "", false
	}
	for _, c := range rest {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(rest), true
}

// write writes an answer as encoding/json would.
func (b *buffer) write(a *Verification) []byte {
	out := append(b.bytes[:0], `{"verdict":`...)
	out = appendText(out, a.Verdict)
	out = appendMember(out, "untampered", a.Untampered)
	out = appendMember(out, "issuer", a.Issuer)
	out = appendMember(out, "status", a.Status)
	if a.IssuerName != "" {
		out = appendMember(out, "issuer_name", a.IssuerName)
	}
	if len(a.Facts) > 0 {
		out = append(out, `,"facts":{`...)
		labels := make([]string, 0, 16)
		for label := range a.Facts {
			labels = append(labels, label)
		}
		slices.Sort(labels)
		for i, label := range labels {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendText(out, label), ':')
			out = appendText(out, a.Facts[label])
		}
		out = append(out, '}')
	}
	if a.StatusSince != nil {
		out = appendTime(append(out, `,"status_since":`...), *a.StatusSince)
	}
	if a.Reason != "" {
		out = appendMember(out, "reason", a.Reason)
	}
	if a.LegalOriginal != "" {
		out = appendMember(out, "legal_original_since", a.LegalOriginal)
	}
	if a.SuspendedUntil != "" {
		out = appendMember(out, "suspended_until", a.SuspendedUntil)
	}
	out = appendTime(append(out, `,"checked_at":`...), a.CheckedAt)
	b.bytes = append(out, "}\n"...)
	return b.bytes
}

func appendMember(out []byte, name, value string) []byte {
	out = append(append(append(out, `,"`...), name...), `":`...)
	return appendText(out, value)
}

func appendTime(out []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(out, '"'), time.RFC3339Nano), '"')
}

// appendText writes a string. What has a character that JSON writes in another way than itself is left to encoding/json.
func appendText(out []byte, s string) []byte {
	if itself(s) {
		return append(append(append(out, '"'), s...), '"')
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string has no value that JSON has not
		return strconv.AppendQuote(out, "")
	}
	return append(out, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
}

// itself tells whether a string is its own JSON: UTF-8 without control characters, quotation marks, backslashes and the two line
// ends of JavaScript.
func itself(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			if c == 0xe2 { // begins U+2028 and U+2029, and others
				return false
			}
			ascii = false
		case c < ' ' || c == '"' || c == '\\' || c == 0x7f:
			return false
		}
	}
	return ascii || utf8.ValidString(s)
}
