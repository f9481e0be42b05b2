package ui

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"akashi/internal/fault"
)

const bodyKey contextKey = 100

func withBody(ctx context.Context, body io.ReadCloser) context.Context {
	return context.WithValue(ctx, bodyKey, body)
}

func bodyOf(ctx context.Context) io.ReadCloser {
	body, _ := ctx.Value(bodyKey).(io.ReadCloser)
	return body
}

// maxMemory is how much of a multipart form is held in memory; the rest goes to temporary files.
const maxMemory = 1 << 20

// ReadForm parses the body of a POST, plain or multipart, and returns its values without the names that begin with an
// underscore, which are ours. Several values of one name are joined by commas (checkbox groups).
func ReadForm(r *http.Request) (map[string]string, error) {
	var err error
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err = r.ParseMultipartForm(maxMemory)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		if tooLarge := classify(err); fault.KindOf(tooLarge) == fault.TooLarge {
			return nil, tooLarge
		}
		return nil, fault.Wrap(fault.Invalid, err, "reading a form")
	}
	keepableValues(r.PostForm)
	values := make(map[string]string, len(r.PostForm))
	for name, v := range r.PostForm {
		if !strings.HasPrefix(name, "_") {
			values[name] = strings.Join(v, ",")
		}
	}
	return values, nil
}

// keepable makes the text of a request such that it can be kept: neither PostgreSQL nor a signed document has a place for U+0000 or
// for what is not UTF-8, and nobody types either. A plain form is read here; the parts of an upload are their handler's. What cannot
// be read is fault.Invalid without the cause, which could repeat what somebody typed.
func keepable(r *http.Request) error {
	if q := r.URL.Query(); keepableValues(q) {
		r.URL.RawQuery = q.Encode()
	}
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	if err := r.ParseForm(); err != nil {
		if tooLarge := classify(err); fault.KindOf(tooLarge) == fault.TooLarge {
			return tooLarge
		}
		return fault.New(fault.Invalid, "", "reading a form")
	}
	keepableValues(r.PostForm)
	keepableValues(r.Form)
	return nil
}

// keepableValues changes the values that cannot be kept, and tells whether there were any.
func keepableValues(values url.Values) (changed bool) {
	for _, all := range values {
		for i, v := range all {
			if kept := strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", ""); kept != v {
				all[i], changed = kept, true
			}
		}
	}
	return changed
}

// tokenInput is the name of the hidden input that carries the idempotency key.
const tokenInput = "_token"

// NewToken returns a new idempotency key for TokenField. Make one when the form is drawn, not when it arrives.
func NewToken() uuid.UUID { return uuid.New() }

// Token returns the idempotency key of a submitted form: the act is stored under it, so that a second submit finds the
// first. A missing one is fault.Invalid.
func Token(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PostFormValue(tokenInput))
	if err != nil {
		return uuid.Nil, &fault.Error{Kind: fault.Invalid, Key: "fault.no_token", Doing: "reading the form's token", Err: err}
	}
	return id, nil
}
