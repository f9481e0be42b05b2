package ui

import (
	"context"
	"net/http"
	"strings"

	"akashi/internal/qualification"
)

type contextKey int

const (
	langKey contextKey = iota
	pathKey
)

// LangOf returns the language that the address of the request asked for.
func LangOf(r *http.Request) qualification.Lang {
	if l, ok := r.Context().Value(langKey).(qualification.Lang); ok {
		return l
	}
	return qualification.JA
}

// cutLang takes the language off a path: "/en/apply" gives English and "/apply".
func cutLang(path string) (qualification.Lang, string) {
	for _, l := range []qualification.Lang{qualification.EN, qualification.Easy} {
		rest, found := strings.CutPrefix(path, "/"+string(l))
		if found && (rest == "" || rest[0] == '/') {
			return l, "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return qualification.JA, path
}

// prefixed puts the language before a path. Addresses of other places and fragments stay as they are.
func prefixed(l qualification.Lang, path string) string {
	if l == qualification.JA || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return path
	}
	return "/" + string(l) + path
}

func htmlLang(l qualification.Lang) string {
	if l == qualification.EN {
		return "en"
	}
	return "ja"
}

// hreflang tells search engines and readers which edition an address is (BCP 47; plain Japanese as a private use subtag).
func hreflang(l qualification.Lang) string {
	if l == qualification.Easy {
		return "ja-x-easy"
	}
	return htmlLang(l)
}

// withLang serves next with the language in the context and off the path, so that routes are written once.
func withLang(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lang, path := cutLang(r.URL.Path)
		ctx := context.WithValue(r.Context(), langKey, lang)
		ctx = context.WithValue(ctx, pathKey, r.URL.Path)
		r = r.WithContext(ctx)
		if path != r.URL.Path {
			u := *r.URL
			_, u.RawPath = cutLang(u.RawPath)
			u.Path = path
			r.URL = &u
		}
		next.ServeHTTP(w, r)
	})
}
