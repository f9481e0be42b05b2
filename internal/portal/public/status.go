package public

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/statuslist"
	"akashi/internal/portal/ui"
	"akashi/internal/server"
)

// Where status lists are published: the current version of each, and every version that has not long ended.
const (
	statusPath  = "/status/{register}/{list}"
	versionPath = "/status/{register}/{list}/{version}"
)

// lists keeps the current versions between requests. Each request asks the database which version is the current one; the
// bytes travel only when it is another.
type lists struct {
	mu   sync.Mutex
	held map[string]*credential.ListVersion // by register's code and number
}

// maxLists bounds how many lists are kept.
const maxLists = 64

// current reads the current version of a list.
func (p *portal) current(r *http.Request) (*credential.ListVersion, error) {
	reg, ok := p.Verifier.Catalogue.RegisterByCode(r.PathValue("register"))
	n, err := number(r.PathValue("list"))
	if !ok || err != nil {
		return nil, fault.New(fault.NotFound, "", "finding a status list")
	}
	name := fmt.Sprintf("%s/%d", reg.Code, n)
	p.lists.mu.Lock()
	kept := p.lists.held[name]
	p.lists.mu.Unlock()
	known := 0
	if kept != nil {
		known = kept.Version
	}
	found, err := credential.CurrentList(r.Context(), p.Verifier.DB, reg.ID, n, known)
	if err != nil {
		return nil, err
	}
	if found.Version == known {
		return kept, nil
	}
	if err := p.Verifier.CheckList(r.Context(), p.listAddress(name), found); err != nil {
		return nil, err
	}
	p.lists.mu.Lock()
	defer p.lists.mu.Unlock()
	if p.lists.held == nil || len(p.lists.held) >= maxLists {
		p.lists.held = map[string]*credential.ListVersion{}
	}
	p.lists.held[name] = found
	return found, nil
}

// listAddress is the address of a list by its register's code and number, as credentials name it.
func (p *portal) listAddress(name string) string { return p.Origin + "/status/" + name }

// orLater answers, where a list cannot be told, in a form for programs that they are to come back: nothing is known now. A list
// that there is not stays not found.
func (p *portal) orLater(f ui.HandlerFunc) ui.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		err := f(w, r)
		if err == nil || errors.Is(err, fault.NotFound) {
			return err
		}
		p.Log.ErrorContext(r.Context(), "a status list is not published", "reference", server.Reference(r.Context()), "cause", err)
		h := w.Header()
		h.Set("Content-Type", "application/problem+json")
		h.Set("Cache-Control", "no-store")
		h.Set("Retry-After", "30")
		h.Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(http.StatusServiceUnavailable)
		return json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(http.StatusServiceUnavailable), "status": http.StatusServiceUnavailable,
			"detail": "This status list cannot be told now. Credentials in it cannot be checked now."})
	}
}

// number reads a number without sign, spaces or leading zeros, so that each list has one address.
func number(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || strconv.Itoa(n) != s {
		return 0, fault.New(fault.NotFound, "", "reading a number in an address")
	}
	return n, nil
}

// currentList answers with the current version of a list, as JWT or CWT. It may be kept as long as the list itself says.
// What cannot be read is an error, never an empty list.
func (p *portal) currentList(w http.ResponseWriter, r *http.Request) error {
	v, err := p.current(r)
	if err != nil {
		return err
	}
	left := v.ExpiresAt.Sub(p.Verifier.DB.Clock.Now())
	if left <= 0 {
		return fault.New(fault.Upstream, "", "publishing a status list: the newest version has ended")
	}
	media := chooseMedia(r.Header.Get("Accept"))
	h := w.Header()
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(min(left, credential.StatusTTL)/time.Second)))
	h.Set("Content-Location", fmt.Sprintf("%s/%d.%s", r.URL.Path, v.Version, map[string]string{statuslist.MediaJWT: "jwt", statuslist.MediaCWT: "cwt"}[media]))
	h.Set("Vary", "Accept")
	return send(w, r, v, media)
}

// chooseMedia chooses the media type: the CWT when it is asked for and the JWT is not, by whatever weight; the JWT otherwise
// (draft-ietf-oauth-status-list-20 §8.1).
func chooseMedia(accept string) string {
	if strings.Contains(accept, statuslist.MediaCWT) && !strings.Contains(accept, statuslist.MediaJWT) {
		return statuslist.MediaCWT
	}
	return statuslist.MediaJWT
}

// listVersion answers with one version, which never changes: <number>.jwt or <number>.cwt.
func (p *portal) listVersion(w http.ResponseWriter, r *http.Request) error {
	reg, ok := p.Verifier.Catalogue.RegisterByCode(r.PathValue("register"))
	n, err := number(r.PathValue("list"))
	name, ending, _ := strings.Cut(r.PathValue("version"), ".")
	version, wrong := number(name)
	media, known := map[string]string{"jwt": statuslist.MediaJWT, "cwt": statuslist.MediaCWT}[ending]
	if !ok || !known || errors.Join(err, wrong) != nil {
		return fault.New(fault.NotFound, "", "finding a version of a status list")
	}
	v, err := credential.ListAt(r.Context(), p.Verifier.DB, reg.ID, n, version)
	if err != nil {
		return err
	}
	if err := p.Verifier.CheckList(r.Context(), p.listAddress(fmt.Sprintf("%s/%d", reg.Code, n)), v); err != nil {
		return err
	}
	left := max(v.ExpiresAt.Sub(p.Verifier.DB.Clock.Now()), 0)
	w.Header().Set("Cache-Control", fmt.Sprintf("public, max-age=%d, immutable", int(left/time.Second)))
	return send(w, r, v, media)
}

// send answers with a version, for anybody and for pages of any origin.
func send(w http.ResponseWriter, r *http.Request, v *credential.ListVersion, media string) error {
	body := []byte(v.JWT)
	if media == statuslist.MediaCWT {
		body = v.CWT
	}
	tag := fmt.Sprintf(`"%d-%s"`, v.Version, media[len(media)-3:])
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("ETag", tag)
	h.Set("Last-Modified", v.IssuedAt.UTC().Format(http.TimeFormat))
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "ETag, Content-Location")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	_, err := w.Write(body)
	return err
}
