package wallettest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/format/mdoc"
	"akashi/internal/format/sdjwt"
)

// Shown are presentations by the id of the credential query that they answer.
type Shown map[string][]string

// ErrNothing: the wallet has nothing that the query asks for.
var ErrNothing = errors.New("the wallet has nothing that was asked for")

// Show answers the first credential query for which the wallet has a credential. Whoever asks for more than one at once gets
// one.
func (w *Wallet) Show(r *Request) (Shown, error) {
	for _, c := range r.Query.Credentials {
		var paths [][]any
		for _, claim := range c.Claims {
			paths = append(paths, claim.Path)
		}
		for _, h := range w.Held {
			if h.Format != c.Format {
				continue
			}
			if fits, err := h.vouched(c.Authorities); err != nil {
				return nil, err
			} else if !fits {
				continue
			}
			text, err := w.show(r, h, paths)
			if err != nil {
				return nil, err
			}
			return Shown{c.ID: {text}}, nil
		}
	}
	return nil, ErrNothing
}

// ShowAs shows one credential with the given claims, whatever the query says.
func (w *Wallet) ShowAs(r *Request, h Held, paths ...[]any) (string, error) {
	return w.show(r, h, paths)
}

func (w *Wallet) show(r *Request, h Held, paths [][]any) (string, error) {
	if h.Format == FormatSDJWT {
		keep := func(p sdjwt.Path) bool {
			return slices.ContainsFunc(paths, func(want []any) bool { return p.String() == dotted(want) })
		}
		return sdjwt.Present(h.SDJWT, FormatSDJWT, keep, &sdjwt.Answer{Nonce: r.Nonce, Audience: r.ClientID, At: w.Now(), Sign: w.Sign})
	}
	wanted := mdoc.Wanted{}
	for _, p := range paths {
		if len(p) == 2 {
			wanted[fmt.Sprint(p[0])] = append(wanted[fmt.Sprint(p[0])], fmt.Sprint(p[1]))
		}
	}
	transcript, err := r.transcript()
	if err != nil {
		return "", err
	}
	raw, err := mdoc.Present(h.MDoc, wanted, transcript, w.Sign)
	return encode64(raw), err
}

// transcript is the session that a mobile document is bound to (Appendix B.2.6.1).
func (r *Request) transcript() ([]byte, error) {
	s := mdoc.Session{ClientID: r.ClientID, Nonce: r.Nonce, ResponseURI: r.ResponseURI}
	if r.ResponseMode == "direct_post.jwt" {
		key, err := r.key()
		if err != nil {
			return nil, err
		}
		if s.Thumbprint, err = key.Thumbprint(thumbprintHash); err != nil {
			return nil, fmt.Errorf("naming the verifier's key: %w", err)
		}
	}
	return s.Transcript()
}

func (r *Request) key() (*jose.JSONWebKey, error) {
	for i, k := range r.Metadata.Keys.Keys {
		if k.Use == "enc" && k.Algorithm == "ECDH-ES" {
			return &r.Metadata.Keys.Keys[i], nil
		}
	}
	return nil, errors.New("the request has no key to encrypt to")
}

func dotted(path []any) string {
	var parts []string
	for _, p := range path {
		parts = append(parts, fmt.Sprint(p))
	}
	return strings.Join(parts, ".")
}
