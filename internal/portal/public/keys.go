package public

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"akashi/internal/portal/ui"
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

// published answers with the keys in one form.
func (p *portal) published(mediaType string, encode func(verification.KeySet) ([]byte, error)) http.Handler {
	return p.publish(mediaType, func(ctx context.Context) ([]byte, error) {
		set, err := p.Verifier.KeySet(ctx)
		if err != nil {
			return nil, err
		}
		return encode(set)
	})
}

func (p *portal) revocationList(ctx context.Context) ([]byte, error) {
	list, err := p.Verifier.RevocationList(ctx)
	return list.DER, err
}

func (p *portal) authority(ctx context.Context) ([]byte, error) {
	list, err := p.Verifier.RevocationList(ctx)
	return list.Certificate, err
}

// publish answers with what signatures are checked by. They may be kept for five minutes, by anybody and for pages of any origin:
// long enough to spare us, short enough for a key that is no longer trusted.
func (p *portal) publish(mediaType string, read func(context.Context) ([]byte, error)) http.Handler {
	return p.site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		body, err := read(r.Context())
		if err != nil {
			return fmt.Errorf("publishing the keys: %w", err)
		}
		sum := sha256.Sum256(body)
		tag := `"` + hex.EncodeToString(sum[:16]) + `"`
		h := w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("ETag", tag)
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		_, err = w.Write(body)
		return err
	})
}

// keysView is the page about the keys.
type keysView struct {
	JWKS, COSE string // addresses
	API        string // "" when not told
	Command    string
	Keys       ui.Table
}

func (p *portal) keysPage(w http.ResponseWriter, r *http.Request) error {
	set, err := p.Verifier.KeySet(r.Context())
	if err != nil {
		return err
	}
	page := p.site.Page(r, "keys.title")
	page.Current = "keys"
	return page.Render(w, keysPage(page, fillKeys(page, set, p.Config)))
}

func fillKeys(page *ui.Page, set verification.KeySet, cfg Config) keysView {
	v := keysView{JWKS: cfg.Origin + jwksPath, COSE: cfg.Origin + cosePath, API: cfg.APIOrigin, Command: "akashi verify --keys jwks.json qr.png"}
	v.Keys = ui.Table{Caption: page.R("keys.list"), Empty: page.R("keys.none"), Columns: []ui.Column{
		{Text: page.R("keys.kid")}, {Text: page.R("keys.registrar")}, {Text: page.R("keys.purpose")}, {Text: page.R("keys.from")}, {Text: page.R("keys.state")}}}
	now := cfg.Verifier.DB.Clock.Now()
	for _, k := range set {
		name := k.Registrar
		if r, ok := cfg.Verifier.Catalogue.Registrar(k.Registrar); ok {
			name = page.Text(r.Name)
		}
		v.Keys.Rows = append(v.Keys.Rows, []templ.Component{code(k.KID), ui.Cell(name), page.Say("keys.purpose_" + k.Purpose), ui.Cell(page.Day(k.NotBefore)), keyState(page, k, now)})
	}
	return v
}

func keyState(page *ui.Page, k verification.PublishedKey, now time.Time) templ.Component {
	switch {
	case k.DistrustedAt != nil:
		return ui.Tag(page.R("keys.distrusted"), ui.Danger)
	case k.RetiredAt != nil && !k.RetiredAt.After(now):
		return ui.Tag(page.R("keys.retired"), ui.Neutral)
	}
	if k.NotBefore.After(now) {
		return ui.Tag(page.R("keys.announced"), ui.Neutral)
	}
	return ui.Tag(page.R("keys.active"), ui.Success)
}
