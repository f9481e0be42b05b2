package public

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"akashi/internal/jtext"
	"akashi/internal/portal/ui"
	"akashi/internal/qualification"
	"akashi/internal/verification"
)

// keysInput is what the page about the keys is searched by: ?q=…
const keysInput = "q"

// maxKeysInput bounds what is looked for, in bytes; openedGroups is how many of the registrars found are shown with their keys.
const (
	maxKeysInput = 200
	openedGroups = 3
)

// keysView is the page about the keys.
type keysView struct {
	JWKS, COSE string // addresses
	API        string // "" when not told
	Command    string // checks a signature by the keys
	Whole      string // checks the status, too, by a trust list and status lists
	Asked      string // what was looked for, "" for everything
	Groups     []keyGroup
	Found      int // keys in them
	InUse      int // of these
	All        int // keys that there are
	Open       bool
}

// keyGroup has the keys of one registrar, those in use first.
type keyGroup struct {
	ID         string // of the registrar
	Name       string
	Keys       int
	InUse      int
	Distrusted int
	States     []keysOfState
}

// keysOfState has a registrar's keys that stand alike.
type keysOfState struct {
	State keyState
	Keys  []verification.PublishedKey
}

// keyState is how a key stands, in the order in which the page shows them. Its words are keys.<state>.
type keyState int

const (
	keyInUse keyState = iota
	keyAnnounced
	keyDistrusted
	keyRetired
	keyStates
)

func (s keyState) word() string {
	return [keyStates]string{"active", "announced", "distrusted", "retired"}[s]
}

func (s keyState) tone() ui.Tone {
	return [keyStates]ui.Tone{ui.Success, ui.Neutral, ui.Danger, ui.Neutral}[s]
}

func stateOf(k verification.PublishedKey, now time.Time) keyState {
	switch {
	case k.DistrustedAt != nil:
		return keyDistrusted
	case k.RetiredAt != nil && !k.RetiredAt.After(now):
		return keyRetired
	case k.NotBefore.After(now):
		return keyAnnounced
	}
	return keyInUse
}

func (p *portal) keysPage(w http.ResponseWriter, r *http.Request) error {
	set, err := p.Verifier.KeySet(r.Context())
	if err != nil {
		return err
	}
	page := p.site.Page(r, "keys.title")
	page.Current = "keys"
	asked := strings.TrimSpace(r.URL.Query().Get(keysInput))
	asked = strings.ToValidUTF8(asked[:min(len(asked), maxKeysInput)], "")
	if asked != "" {
		page.Path = "/keys?" + url.Values{keysInput: {asked}}.Encode() // it names a body or a key, so other languages may have it
	}
	return page.Render(w, keysPage(page, fillKeys(page, set, asked, p.Config)))
}

func fillKeys(page *ui.Page, set verification.KeySet, asked string, cfg Config) keysView {
	v := keysView{JWKS: cfg.Origin + jwksPath, COSE: cfg.Origin + cosePath, API: cfg.APIOrigin, Command: "akashi verify --keys jwks.json qr.png",
		Whole: "akashi verify --trust trust.jwt --trust-anchors anchor.pem --status lists/ certificate.pdf", Asked: asked, All: len(set)}
	found := findKeys(set, asked, cfg.Verifier.Catalogue)
	now := cfg.Verifier.DB.Clock.Now()
	for len(found) > 0 {
		end := slices.IndexFunc(found, func(k verification.PublishedKey) bool { return k.Registrar != found[0].Registrar })
		if end < 0 {
			end = len(found)
		}
		g := groupKeys(found[:end], now)
		g.Name = g.ID
		if r, ok := cfg.Verifier.Catalogue.Registrar(g.ID); ok {
			g.Name = page.Text(r.Name)
		}
		v.Groups = append(v.Groups, g)
		v.Found, v.InUse = v.Found+g.Keys, v.InUse+g.InUse
		found = found[end:]
	}
	v.Open = asked != "" && len(v.Groups) <= openedGroups
	return v
}

func groupKeys(keys verification.KeySet, now time.Time) keyGroup {
	g := keyGroup{ID: keys[0].Registrar, Keys: len(keys)}
	var by [keyStates][]verification.PublishedKey
	for _, k := range keys {
		s := stateOf(k, now)
		by[s] = append(by[s], k)
	}
	g.InUse, g.Distrusted = len(by[keyInUse]), len(by[keyDistrusted])
	for s, some := range by {
		if len(some) > 0 {
			g.States = append(g.States, keysOfState{keyState(s), some})
		}
	}
	return g
}

// findKeys has the keys that were asked for, by registrar: those of the registrar with exactly this id, otherwise those with the
// words in a name of their registrar, in its id, in the key's id or among the codes of its registers; all when nothing was asked for.
func findKeys(set verification.KeySet, asked string, c *qualification.Catalogue) verification.KeySet {
	var found verification.KeySet
	id, words := strings.ToLower(asked), jtext.SearchKey(asked)
	_, exactly := c.Registrar(id)
	named := map[string]bool{} // registrars that the words name
	for _, k := range set {
		if _, seen := named[k.Registrar]; !seen {
			named[k.Registrar] = words != "" && registrarNamed(k, words, c)
		}
		switch {
		case asked == "", exactly && k.Registrar == id:
		case exactly, words == "", !named[k.Registrar] && !strings.Contains(jtext.SearchKey(k.KID), words):
			continue
		}
		found = append(found, k)
	}
	slices.SortStableFunc(found, func(a, b verification.PublishedKey) int { return cmp.Compare(a.Registrar, b.Registrar) })
	return found
}

func registrarNamed(k verification.PublishedKey, words string, c *qualification.Catalogue) bool {
	all := append([]string{k.Registrar}, k.Registers...)
	if r, ok := c.Registrar(k.Registrar); ok {
		for _, lang := range qualification.Langs {
			all = append(all, r.Name.In(lang))
		}
	}
	return slices.ContainsFunc(all, func(s string) bool { return strings.Contains(jtext.SearchKey(s), words) })
}

// since says from when to when a key signs or signed.
func since(page *ui.Page, k verification.PublishedKey) string {
	if k.RetiredAt != nil {
		return page.R("keys.from_to", page.Day(k.NotBefore), page.Day(*k.RetiredAt))
	}
	return page.R("keys.from", page.Day(k.NotBefore))
}
