package idp

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// request is an authorization request that passed every check.
type request struct {
	client      Client
	redirectURI string
	state       string
	nonce       string
	challenge   string
	scopes      []string
	acrs        []string
	transaction string // sign transaction, citizens' provider only
}

// wants tells whether the request asks for a scope.
func (r *request) wants(scope string) bool { return slices.Contains(r.scopes, scope) }

// visit is one browser on its way through the pages.
type visit struct {
	id, cookie string
	request    request
	until      time.Time

	// How far it is; guarded by provider.mu.
	card  string // chosen card
	pin   bool   // PIN was right
	staff string // user whose password was right
}

func (v *visit) ends() time.Time { return v.until }

// authorize is the authorization endpoint. A request whose client or redirect address is unknown is answered here, any
// other fault goes back to the client (RFC 6749 §4.1.2.1).
func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.pages.refuse(w, http.StatusBadRequest, "要求を読み取れません。")
		return
	}
	client, known := p.clients[query.Get("client_id")]
	redirect := query.Get("redirect_uri")
	if !known || len(query["client_id"]) != 1 || len(query["redirect_uri"]) != 1 || !slices.Contains(client.RedirectURIs, redirect) {
		p.pages.refuse(w, http.StatusBadRequest, "登録されていないサービス、または登録されていない戻り先です。")
		return
	}
	req, problem := p.readRequest(query, client)
	if problem != nil {
		p.sendBack(w, r, redirect, url.Values{
			"error": {problem.code}, "error_description": {problem.description}, "state": query["state"],
		})
		return
	}
	v := p.open(*req)
	http.SetCookie(w, &http.Cookie{
		Name: "govsim_visit", Value: v.cookie, Path: "/app/" + v.id, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, "/app/"+v.id, http.StatusSeeOther)
}

// readRequest checks the parameters one by one. Those it does not know are ignored (RFC 6749 §3.1).
func (p *provider) readRequest(query url.Values, client Client) (*request, *problem) {
	for name, values := range query {
		if len(values) != 1 {
			return nil, bad("invalid_request", "%s stands more than once", name)
		}
	}
	if t := query.Get("response_type"); t != "code" {
		return nil, bad("unsupported_response_type", "response_type is not code")
	}
	for _, name := range []string{"state", "nonce"} {
		if !printable(query.Get(name)) {
			return nil, bad("invalid_request", "%s is not 1 to 255 printable ASCII characters", name)
		}
	}
	if query.Get("code_challenge_method") != "S256" {
		return nil, bad("invalid_request", "code_challenge_method is not S256")
	}
	challenge := query.Get("code_challenge")
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(challenge); err != nil || len(raw) != 32 {
		return nil, bad("invalid_request", "code_challenge is not the Base64url form of a SHA-256 digest")
	}
	scopes, problem := p.readScopes(query.Get("scope"), client)
	if problem != nil {
		return nil, problem
	}
	req := &request{
		client: client, redirectURI: query.Get("redirect_uri"), state: query.Get("state"), nonce: query.Get("nonce"),
		challenge: challenge, scopes: scopes, acrs: strings.Fields(query.Get("acr_values")),
	}
	for _, acr := range req.acrs {
		if !slices.Contains(p.acrs, acr) {
			return nil, bad("invalid_request", "acr_values has a value that is not offered")
		}
	}
	if p.check != nil {
		return req, p.check(req, query)
	}
	return req, nil
}

// readScopes checks the scopes: openid is required, each is one of ours and one that the client may ask for.
func (p *provider) readScopes(value string, client Client) ([]string, *problem) {
	scopes := strings.Split(value, " ")
	for i, s := range scopes {
		if !slices.Contains(p.scopes, s) || slices.Contains(scopes[:i], s) {
			return nil, bad("invalid_scope", "scope has an unknown or repeated value")
		}
		if !slices.Contains(client.Scopes, s) {
			return nil, bad("invalid_scope", "scope has a value that the client may not ask for")
		}
	}
	if !slices.Contains(scopes, "openid") {
		return nil, bad("invalid_scope", "scope lacks openid")
	}
	return scopes, nil
}

// printable tells whether s is 1 to 255 characters of printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 255
}

// open begins a visit.
func (p *provider) open(req request) *visit {
	now := p.clock.Now()
	v := &visit{id: rand.Text(), cookie: rand.Text(), request: req, until: now.Add(visitLife)}
	p.mu.Lock()
	defer p.mu.Unlock()
	forget(p.visits, now)
	p.visits[v.id] = v
	return v
}

// visitOf returns the visit of the address, if this is the browser that began it; else it answers with a page.
func (p *provider) visitOf(w http.ResponseWriter, r *http.Request) (*visit, bool) {
	p.mu.Lock()
	v := p.visits[r.PathValue("visit")]
	p.mu.Unlock()
	cookie, err := r.Cookie("govsim_visit")
	if v == nil || err != nil || cookie.Value != v.cookie || v.until.Before(p.clock.Now()) {
		p.pages.refuse(w, http.StatusNotFound, "この手続きは終わったか、期限が切れました。元のサービスからやり直してください。")
		return nil, false
	}
	return v, true
}

// outcome is who somebody turned out to be at the end of a visit.
type outcome struct {
	subject string
	acr     string
	amr     []string
	claims  map[string]any // more claims of the ID token
	info    map[string]any // claims of userinfo
}

// finish ends the visit with a code for the client.
func (p *provider) finish(w http.ResponseWriter, r *http.Request, v *visit, o outcome) {
	now := p.clock.Now()
	code := rand.Text()
	p.mu.Lock()
	_, open := p.visits[v.id]
	delete(p.visits, v.id)
	forget(p.codes, now)
	if open {
		p.codes[code] = &grant{request: v.request, outcome: o, authTime: now, until: now.Add(codeLife)}
	}
	p.mu.Unlock()
	if !open { // the form was sent twice at once
		p.pages.refuse(w, http.StatusConflict, "この手続きは終わりました。")
		return
	}
	p.sendBack(w, r, v.request.redirectURI, url.Values{
		"code": {code}, "state": {v.request.state}, "session_state": {rand.Text()},
	})
}

// abandon ends the visit with an error for the client.
func (p *provider) abandon(w http.ResponseWriter, r *http.Request, v *visit, code, description string) {
	p.mu.Lock()
	delete(p.visits, v.id)
	p.mu.Unlock()
	p.sendBack(w, r, v.request.redirectURI, url.Values{
		"error": {code}, "error_description": {description}, "state": {v.request.state},
	})
}

// sendBack sends the browser to the client, with the issuer's name beside the answer (RFC 9207).
func (p *provider) sendBack(w http.ResponseWriter, r *http.Request, redirect string, answer url.Values) {
	target, err := url.Parse(redirect)
	if err != nil {
		p.pages.refuse(w, http.StatusBadRequest, "戻り先を読み取れません。")
		return
	}
	query := target.Query()
	for name, values := range answer {
		if len(values) > 0 {
			query.Set(name, values[0])
		}
	}
	query.Set("iss", p.issuer)
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
}
