package public

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"akashi/internal/fault"
	"akashi/internal/server"
	"akashi/internal/verification"
)

// Where the keys are published.
const (
	jwksPath = "/.well-known/akashi/jwks.json"
	cosePath = "/.well-known/akashi/cose-keys"
	// These two stand in the certificates of keys.
	listPath        = "/.well-known/akashi/ca.crl"
	certificatePath = "/.well-known/akashi/ca.crt"
)

func jwksOf(s verification.KeySet) ([]byte, error) { return s.JWKS() }
func coseOf(s verification.KeySet) ([]byte, error) { return s.COSE() }

// What a part of the keys is asked for by, each as often as there are values: ?kid=…&kid=…
const (
	ofRegistrar = "registrar"
	ofKID       = "kid"
)

// published answers with the keys in one form: all, or those of a registrar or with an id. Keys that there are not are not found,
// so that nobody takes an empty set for an answer.
func (p *portal) published(mediaType string, encode func(verification.KeySet) ([]byte, error)) http.Handler {
	return p.publish(mediaType, func(ctx context.Context, q url.Values) ([]byte, error) {
		set, err := p.Verifier.KeySet(ctx)
		if err != nil {
			return nil, err
		}
		if part := partOf(set, q); len(part) > 0 || len(part) == len(set) {
			return encode(part)
		}
		return nil, fault.New(fault.NotFound, "", "finding published keys")
	})
}

// partOf is what was asked for of the keys: all when nothing is named.
func partOf(set verification.KeySet, q url.Values) verification.KeySet {
	registrars, kids := q[ofRegistrar], q[ofKID]
	if registrars == nil && kids == nil {
		return set
	}
	part := verification.KeySet{}
	for _, k := range set {
		if (registrars == nil || slices.Contains(registrars, k.Registrar)) && (kids == nil || slices.Contains(kids, k.KID)) {
			part = append(part, k)
		}
	}
	return part
}

func (p *portal) revocationList(ctx context.Context, _ url.Values) ([]byte, error) {
	list, err := p.Verifier.RevocationList(ctx)
	return list.DER, err
}

func (p *portal) authority(ctx context.Context, _ url.Values) ([]byte, error) {
	list, err := p.Verifier.RevocationList(ctx)
	return list.Certificate, err
}

// publish answers with what signatures are checked by. They may be kept for five minutes, by anybody and for pages of any origin:
// long enough to spare us, short enough for a key that is no longer trusted.
func (p *portal) publish(mediaType string, read func(context.Context, url.Values) ([]byte, error)) http.Handler {
	return server.Compress(p.site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		body, err := read(r.Context(), r.URL.Query())
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if err != nil {
			return fmt.Errorf("publishing the keys: %w", err)
		}
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		_, err = w.Write(body)
		return err
	}))
}
