package ca

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"

	"akashi/internal/format/jpki"
)

// Handler publishes the revocation lists: GET /crl/{kind}?point=<directory name, DER, base64url without padding>. The
// real authority publishes its lists by the protocol that the distribution point names, to notified bodies only; this
// address is the simulation's own.
func (c *CA) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /crl/{kind}", func(w http.ResponseWriter, r *http.Request) {
		kind := Kind(r.PathValue("kind"))
		raw, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("point"))
		if _, known := c.authorities[kind]; !known || err != nil {
			http.Error(w, "no such list", http.StatusNotFound)
			return
		}
		list, err := c.CRL(kind, jpki.Point{Raw: raw})
		switch {
		case errors.Is(err, os.ErrNotExist):
			http.Error(w, "no such list", http.StatusNotFound)
			return
		case err != nil:
			http.Error(w, "the list cannot be made", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/pkix-crl")
		w.Write(list)
	})
	return mux
}
