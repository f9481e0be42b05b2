package issuance

import (
	"context"
	"time"

	"github.com/google/uuid"

	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/oauth"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// Server answers wallets, for every registrar that issues digital credentials. All of it is required but Wallets and Providers.
type Server struct {
	DB        *pg.DB // role akashi_issuance
	Catalogue *qualification.Catalogue
	Issuer    *credential.Issuer // makes copies under the same role
	Forms     Forms
	Wallets   Wallets
	Nonces    Nonces
	// Base begins the identifiers of issuers: <base>/<registrar>; no slash at the end. It is the issuer's own in credentials.
	Base string
	// Authorize is the page of the citizen portal at which a holder answers a pushed request.
	Authorize string
	// Providers vouch for wallets and their keys; none: nobody does, and nobody is asked to.
	Providers Providers
}

// Identifier is the identifier of a registrar as credential issuer; false when it issues nothing.
func (s *Server) Identifier(registrar string) (string, bool) {
	return s.Base + "/" + registrar, issues(s.Catalogue, registrar)
}

// unknown says that there is no such issuer.
func unknown() error {
	return fault.New(fault.NotFound, "", "asking a registrar that issues no credentials")
}

// today is the day of whoever asks now.
func (s *Server) today() calendar.Date { return calendar.Of(s.DB.Clock.Now()) }

// IssuerMetadata describes a registrar as credential issuer (VCI §12.2). fault.NotFound when it issues nothing, or none of its
// registers gives anything to wallets today.
func (s *Server) IssuerMetadata(registrar string) (oauth.IssuerMetadata, error) {
	id, ok := s.Identifier(registrar)
	if !ok {
		return oauth.IssuerMetadata{}, unknown()
	}
	m := s.Forms.metadata(s.Catalogue, registrar, id, s.today(), len(s.Providers) > 0)
	if len(m.Configurations) == 0 {
		return oauth.IssuerMetadata{}, unknown()
	}
	return m, nil
}

// ServerMetadata describes its authorization server (RFC 8414). fault.NotFound when it issues nothing.
func (s *Server) ServerMetadata(registrar string) (oauth.ServerMetadata, error) {
	id, ok := s.Identifier(registrar)
	if !ok {
		return oauth.ServerMetadata{}, unknown()
	}
	return server(id, s.Authorize, len(s.Providers) > 0), nil
}

// metadataLife is how long signed metadata hold. They are signed anew for every request.
const metadataLife = 24 * time.Hour

// SignedMetadata is IssuerMetadata as a JWT, signed with the registrar's key for credentials, whose certificates stand in the header:
// a wallet sees that the one who will sign its credential says this (VCI §12.2.3). The typ keeps it apart from everything else that
// the key signs. "" when the key has no certificate but the anchor's; fault.NotFound when the registrar issues nothing.
func (s *Server) SignedMetadata(ctx context.Context, registrar string) (string, error) {
	m, err := s.IssuerMetadata(registrar)
	if err != nil {
		return "", err
	}
	var key *credential.SigningKey
	var now time.Time
	err = s.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) (err error) {
		now = tx.Now
		key, err = credential.KeyFor(ctx, tx, registrar, credential.ForCredential)
		return err
	})
	if err != nil {
		return "", err
	}
	chain := form.WithoutAnchor(key.Chain)
	if len(chain) == 0 {
		return "", nil
	}
	payload, err := oauth.JSON(oauth.Signed{IssuerMetadata: m, Issuer: m.Issuer, Subject: m.Issuer, IssuedAt: now.Unix(), ExpiresAt: now.Add(metadataLife).Unix()})
	if err != nil {
		return "", err
	}
	sign := func(toSign []byte) ([]byte, error) { return s.Issuer.Sign(ctx, key.KID, toSign) }
	return jws.Make(jws.Header{Type: oauth.TypeIssuerMetadata, KID: key.KID, Chain: chain}, payload, sign)
}

// Offer returns the offer behind an address. It fails with CodeUnknown, CodeUsed, CodeExpired or NotOffered.
func (s *Server) Offer(ctx context.Context, registrar, secret string) (*oauth.Offer, error) {
	reg, id, ok := s.place(registrar, secret)
	if !ok {
		return nil, oauth.Refuse(oauth.CodeUnknown, "fetching an offer")
	}
	var found []Grant
	var now time.Time
	err := s.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		var b pg.Batch
		found, now = nil, tx.Now
		queueGrants(&b, &found, `register_id = $1 and id = $2`, reg.ID, id)
		return b.SendLast(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	code := offerCode(secret)
	switch {
	case len(found) == 0 || !is(found[0].CodeDigest, code):
		return nil, oauth.Refuse(oauth.CodeUnknown, "fetching an offer")
	case found[0].State != Offered:
		return nil, oauth.Refuse(oauth.CodeUsed, "fetching an offer")
	case found[0].Lapsed(now):
		return nil, oauth.Refuse(oauth.CodeExpired, "fetching an offer")
	case !gives(s.Catalogue, reg.ID, calendar.Of(now)):
		return nil, oauth.Refuse(oauth.NotOffered, "fetching an offer")
	}
	return &oauth.Offer{Issuer: s.Base + "/" + registrar, Configurations: found[0].Configurations, Grants: oauth.Grants{AuthorizationCode: s.asking(),
		PreAuthorized: &oauth.PreAuthorizedGrant{Code: code, TxCode: &oauth.TxCode{InputMode: "numeric", Length: txDigits}}}}, nil
}

// asking lets a wallet ask its holder instead of redeeming the code, which HAIP 1.0 §4.2 wants of an offer. It is there only among
// wallets that are attested and named: one that is not would choose a way that is closed to it.
func (s *Server) asking() *oauth.AuthorizationGrant {
	if len(s.Providers) == 0 || len(s.Wallets) == 0 {
		return nil
	}
	return &oauth.AuthorizationGrant{}
}

// place finds the register and grant that a secret belongs to: none when its register is another registrar's, so that what
// one issuer gave is unknown to every other.
func (s *Server) place(registrar, secret string) (*qualification.Register, uuid.UUID, bool) {
	code, id, ok := place(secret)
	if !ok {
		return nil, uuid.Nil, false
	}
	reg, known := s.Catalogue.RegisterByCode(code)
	if !known || reg.Registrar != registrar || !issues(s.Catalogue, registrar) {
		return nil, uuid.Nil, false
	}
	return reg, id, true
}

// Pushed is the answer to a pushed request (RFC 9126 §2.2).
type Pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"`
}

// Push keeps a request for authorization until the holder answers it. A DPoP proof that comes along binds the code to its
// key (RFC 9449 §10.1).
func (s *Server) Push(ctx context.Context, registrar string, body []byte, sent Sent) (*Pushed, error) {
	id, ok := s.Identifier(registrar)
	if !ok {
		return nil, unknown()
	}
	r, err := oauth.ParseAuthorization(body)
	if err != nil {
		return nil, err
	}
	client, err := s.client(id, r.ClientID, sent)
	if err != nil {
		return nil, err
	}
	if _, err := s.Wallets.check(r.ClientID, r.RedirectURI); err != nil {
		return nil, err
	}
	if r.Scopes, r.Details, err = s.asked(registrar, r); err != nil {
		return nil, err
	}
	var seen *oauth.DPoP
	if len(sent.DPoP) > 0 {
		p, err := s.prove(id, "/par", sent.DPoP, "")
		if err != nil {
			return nil, err
		}
		if r.Key != "" && r.Key != p.Key.Thumbprint() {
			return nil, oauth.Refuse(oauth.DPoPKey, "pushing a request")
		}
		r.Key, seen = p.Key.Thumbprint(), &p
	}
	return s.keep(ctx, registrar, r, seen, client)
}

// asked keeps of what is asked for what this registrar gives today. Unknown scopes are passed over (VCI §5.1.2), unknown details
// are not.
func (s *Server) asked(registrar string, r *oauth.AuthorizationRequest) (scopes, details []string, err error) {
	for _, scope := range r.Scopes {
		if g, _, ok := s.Forms.find(s.Catalogue, scope); ok && g.Registrar == registrar && gives(s.Catalogue, g.ID, s.today()) {
			scopes = append(scopes, scope)
		}
	}
	for _, d := range r.Details {
		if g, _, ok := s.Forms.find(s.Catalogue, d); !ok || g.Registrar != registrar || !gives(s.Catalogue, g.ID, s.today()) {
			return nil, nil, oauth.Refuse(oauth.DetailsUnknown, "asking for a credential")
		}
	}
	if len(scopes)+len(r.Details) == 0 {
		return nil, nil, oauth.Refuse(oauth.ScopeUnknown, "asking for a credential")
	}
	return scopes, r.Details, nil
}

func (s *Server) keep(ctx context.Context, registrar string, r *oauth.AuthorizationRequest, proof *oauth.DPoP, client *oauth.Client) (*Pushed, error) {
	secret, err := newSecret("par", pg.NewID())
	if err != nil {
		return nil, err
	}
	uri := oauth.RequestURIPrefix + secret
	body, err := oauth.JSON(r)
	if err != nil {
		return nil, err
	}
	var replayed oauth.Refusal
	err = s.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		var b pg.Batch
		var first, shown [][]byte
		if proof != nil {
			s.queueProof(&b, &first, *proof, tx.Now)
		}
		if client != nil {
			queueClient(&b, &shown, client, tx.Now)
		}
		b.Exec("keeping a pushed request", `insert into issuance_request (digest, registrar_id, request, expires_at) values ($1, $2, $3, $4)`,
			digest(uri), registrar, body, tx.Now.Add(pushedLife))
		err := b.Send(ctx, tx)
		replayed = "" // the transaction may be repeated
		switch {
		case proof != nil && len(first) == 0:
			replayed = oauth.DPoPReplayed
		case client != nil && len(shown) == 0:
			replayed = oauth.ClientProofReplayed
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case replayed != "":
		return nil, oauth.Refuse(replayed, "pushing a request")
	}
	return &Pushed{RequestURI: uri, ExpiresIn: int(pushedLife.Seconds())}, nil
}

// prove checks a request's DPoP proof for the endpoint of an issuer.
func (s *Server) prove(identifier, endpoint string, fields []string, access string) (oauth.DPoP, error) {
	now := s.DB.Clock.Now()
	return oauth.CheckDPoP(fields, oauth.DPoPWant{Method: "POST", Address: identifier + endpoint, Now: now, Token: access,
		Nonce: func(nonce string) bool { _, ok := s.Nonces.fresh(forDPoP, identifier, nonce, now, dpopLife); return ok }})
}

// queueProof records that a DPoP proof was used, for as long as it could be used again.
func (s *Server) queueProof(b *pg.Batch, first *[][]byte, p oauth.DPoP, now time.Time) {
	queueOnce(b, first, now.Add(dpopLife+2*time.Minute), "dpop", p.Key.Thumbprint(), p.ID)
}

// DPoPNonce makes a nonce for DPoP proofs, which every answer to a wallet whose proof was out of time carries.
func (s *Server) DPoPNonce(registrar string) (string, error) {
	return s.Nonces.make(forDPoP, s.Base+"/"+registrar, s.DB.Clock.Now())
}

// Nonce makes a nonce for key proofs (VCI §7). fault.NotFound when the registrar issues nothing.
func (s *Server) Nonce(registrar string) (string, error) {
	id, ok := s.Identifier(registrar)
	if !ok {
		return "", unknown()
	}
	return s.Nonces.make(forProof, id, s.DB.Clock.Now())
}

// held runs f over the grant that a secret names, the grant locked and the DPoP proof recorded as used. What f refuses is
// told after the transaction has committed, so that what was counted stays counted; what fails rolls it back.
func (s *Server) held(ctx context.Context, registrar, secret string, absent oauth.Refusal, p oauth.DPoP, f func(tx *pg.Tx, g *Grant) (refused, err error)) error {
	reg, id, ok := s.place(registrar, secret)
	if !ok {
		return oauth.Refuse(absent, "looking for a grant")
	}
	var refused error
	err := s.DB.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		refused = nil // the transaction may be repeated
		var b pg.Batch
		var first [][]byte
		var found []Grant
		s.queueProof(&b, &first, p, tx.Now)
		queueGrants(&b, &found, `register_id = $1 and id = $2 for no key update`, reg.ID, id)
		if err := b.Send(ctx, tx); err != nil {
			return err
		}
		switch {
		case len(first) == 0:
			refused = oauth.Refuse(oauth.DPoPReplayed, "looking for a grant")
			return nil
		case len(found) == 0:
			refused = oauth.Refuse(absent, "looking for a grant")
			return nil
		}
		if err := tx.ForRef(ctx, found[0].PersonRef); err != nil {
			return err
		}
		var err error
		refused, err = f(tx, &found[0])
		return err
	})
	if err != nil {
		return err
	}
	return refused
}
