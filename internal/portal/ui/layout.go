package ui

import (
	"net/http"
	"strconv"
	"time"

	"akashi/internal/qualification"
)

// alivePath is asked by the session warning when the visitor wants to stay: any request prolongs the session.
const alivePath = "/_alive"

// serveAlive answers the session warning: 204 while somebody is logged in, 401 afterwards.
func (m *Sessions) serveAlive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != alivePath {
			next.ServeHTTP(w, r)
			return
		}
		status := http.StatusNoContent
		if _, err := m.Subject(r.Context()); err != nil {
			status = http.StatusUnauthorized
		}
		w.WriteHeader(status)
	})
}

// languageName is a language in its own words, the same on every page.
func languageName(l qualification.Lang) string {
	switch l {
	case qualification.EN:
		return "English"
	case qualification.Easy:
		return "やさしい日本語"
	}
	return "日本語"
}

func minutes(d time.Duration) int    { return int(d / time.Minute) }
func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
