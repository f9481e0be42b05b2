// Package identity is the relying party of the two outside services that tell who somebody is: the citizens' login and
// signing service (デジタル認証アプリ, OpenID Connect with the national ID card) and the staff's login.
//
// A login or a signature takes two visits. AuthURL (SignatureAuthURL) gives the address to send the browser to and a
// Pending, which the portal keeps in its session; when the browser comes back, Finish (FinishSignature) takes the Pending
// and the query of the callback and returns who it was (what was signed). A Pending is used once: the portal removes it
// from the session before it calls Finish.
//
// Everything the outside service sends is checked here and nowhere else: state, nonce, issuer, audience, time, algorithm,
// access token hash, and the subject of the particulars. Its failures are classified as fault.Upstream (it did not
// answer, or not as agreed), fault.Unauthenticated (the visitor cancelled, or has to begin again) or fault.StepUp.
//
// The protocol is that of デジタル認証アプリ as published by デジタル庁 for relying parties
// (developers.digital.go.jp, 行政機関等・民間事業者向け実装ガイドライン and APIリファレンス). Its member names in the sign
// transaction's JSON and the value forms of userinfo could not be read in the official text; wire.go lists what is assumed.
package identity

import "time"

// Flow tells what a Pending belongs to, so that the callback of one cannot end another.
type Flow string

// The flows.
const (
	FlowLogin     Flow = "login"
	FlowSignature Flow = "signature"
	FlowStaff     Flow = "staff"
)

// Pending is one unfinished visit to an outside service. It holds secrets (the code verifier): it belongs into a
// server-side session and never into a page.
type Pending struct {
	Flow        Flow
	State       string
	Nonce       string
	Verifier    string // PKCE code verifier (RFC 7636 §4.1)
	RedirectURI string
	Scopes      []string
	StepUp      bool          // the second factor was asked for
	MaxAge      time.Duration // oldest login accepted; 0 = any
	Transaction string        // sign transaction, for FlowSignature
	Subject     string        // who must come back; empty = anybody
	Started     time.Time
}

// LoginRequest is what a portal asks of a login.
type LoginRequest struct {
	RedirectURI string // one of the registered ones, exactly
	Particulars bool   // citizens: ask for name, address, birth date and sex
	StepUp      bool   // staff: ask for the second factor
	MaxAge      time.Duration
	Subject     string // expect this subject, as for a step-up of somebody logged in
}

// Particulars are the four basic particulars (基本4情報) as read from the card.
type Particulars struct {
	Name      string // family and given name as on the card, separated by U+3000 or a space
	Address   string
	BirthDate string // YYYY-MM-DD
	Sex       string // 1 male, 2 female, 3 unknown
}

// Login is a finished login.
type Login struct {
	Issuer      string
	Subject     string // pairwise for citizens: says nothing to another relying party
	Name        string // staff: display name
	Particulars Particulars
	ACR         string
	AMR         []string
	AuthTime    time.Time
}

// Signature is a finished sign transaction, not yet verified: format/jpki says whether it may be relied on.
type Signature struct {
	Transaction string
	Subject     string // who visited, pairwise
	Value       []byte // RSASSA-PKCS1-v1_5 over SHA-256, as the card made it
	Certificate []byte // signing certificate, DER
}
