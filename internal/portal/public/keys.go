package public

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/a-h/templ"

	"akashi/internal/portal/ui"
	"akashi/internal/verification"
)

// Where the keys are published.
const (
	jwksPath = "/.well-known/akashi/jwks.json"
	cosePath = "/.well-known/akashi/cose-keys"
)

func jwksOf(s verification.KeySet) ([]byte, error) { return s.JWKS() }
func coseOf(s verification.KeySet) ([]byte, error) { return s.COSE() }

// published answers with the keys in one form. They may be kept for five minutes, by anybody and for pages of any origin:
// long enough to spare us, short enough for a key that is no longer trusted.
func (p *portal) published(mediaType string, encode func(verification.KeySet) ([]byte, error)) http.Handler {
	return p.site.Handler(func(w http.ResponseWriter, r *http.Request) error {
		set, err := p.Verifier.KeySet(r.Context())
		if err != nil {
			return fmt.Errorf("publishing the keys: %w", err)
		}
		body, err := encode(set)
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
		{Text: page.R("keys.kid")}, {Text: page.R("keys.registrar")}, {Text: page.R("keys.from")}, {Text: page.R("keys.state")}}}
	for _, k := range set {
		name := k.Registrar
		if r, ok := cfg.Verifier.Catalogue.Registrar(k.Registrar); ok {
			name = page.Text(r.Name)
		}
		v.Keys.Rows = append(v.Keys.Rows, []templ.Component{code(k.KID), ui.Cell(name), ui.Cell(page.Day(k.NotBefore)), keyState(page, k)})
	}
	return v
}

func keyState(page *ui.Page, k verification.PublishedKey) templ.Component {
	switch {
	case k.DistrustedAt != nil:
		return ui.Tag(page.R("keys.distrusted"), ui.Danger)
	case k.RetiredAt != nil:
		return ui.Tag(page.R("keys.retired"), ui.Neutral)
	}
	return ui.Tag(page.R("keys.active"), ui.Success)
}
