package issuance

import (
	"context"
	"slices"
	"strings"

	"akashi/internal/format/oauth"
	"akashi/internal/pg"
)

// tokens are a wallet's, told once and kept as digests.
type tokens struct{ access, refresh string }

// Token gives a wallet tokens for a code or a refresh token (RFC 6749 §4.1.3 and §6, VCI §6). Both are bound to the key of
// the DPoP proof.
func (s *Server) Token(ctx context.Context, registrar string, body []byte, sent Sent) (*oauth.Answer, error) {
	id, ok := s.Identifier(registrar)
	if !ok {
		return nil, unknown()
	}
	r, err := oauth.ParseToken(body)
	if err != nil {
		return nil, err
	}
	client, err := s.client(id, r.ClientID, sent)
	if err != nil {
		return nil, err
	}
	switch {
	case client != nil:
		r.ClientID = client.ID
	case r.ClientID == "" && r.Grant == oauth.GrantAuthorizationCode:
		return nil, oauth.Refuse(oauth.RequestMissing, "redeeming a code without a client_id")
	}
	p, err := s.prove(id, "/token", sent.DPoP, "")
	if err != nil {
		return nil, err
	}
	switch r.Grant {
	case oauth.GrantPreAuthorized:
		return s.exchange(ctx, registrar, r, p, r.PreAuthorized, after(client, s.preAuthorized))
	case oauth.GrantAuthorizationCode:
		return s.exchange(ctx, registrar, r, p, r.Code, after(client, s.authorized))
	}
	return s.renew(ctx, registrar, r, p, client)
}

// after lets a code be judged once the wallet's own proof is seen to be new.
func after(client *oauth.Client, then judge) judge {
	return func(ctx context.Context, tx *pg.Tx, g *Grant, r *oauth.TokenRequest) (refused, err error) {
		if refused, err = unused(ctx, tx, client); refused != nil || err != nil {
			return refused, err
		}
		return then(ctx, tx, g, r)
	}
}

// judge says whether a code may be redeemed. A refusal may have left its trace in the transaction.
type judge func(ctx context.Context, tx *pg.Tx, g *Grant, r *oauth.TokenRequest) (refused, err error)

// exchange redeems a code.
func (s *Server) exchange(ctx context.Context, registrar string, r *oauth.TokenRequest, p oauth.DPoP, code string, judge judge) (*oauth.Answer, error) {
	var answer *oauth.Answer
	err := s.held(ctx, registrar, code, oauth.CodeUnknown, p, func(tx *pg.Tx, g *Grant) (refused, err error) {
		if !is(g.CodeDigest, code) {
			return oauth.Refuse(oauth.CodeUnknown, "redeeming a code"), nil
		}
		if refused, err = judge(ctx, tx, g, r); refused != nil || err != nil {
			return refused, err
		}
		if g.HolderKey != "" && g.HolderKey != p.Key.Thumbprint() {
			return oauth.Refuse(oauth.DPoPKey, "redeeming a code"), nil
		}
		if refused = g.narrow(r.Details); refused != nil {
			return refused, nil
		}
		g.HolderKey = p.Key.Thumbprint()
		t, err := s.draw(registrar, g)
		if err != nil {
			return nil, err
		}
		answer = g.answer(t)
		return nil, g.redeem(ctx, tx, t)
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// used ends a grant whose code comes a second time: one of two who know it is not its wallet (RFC 6749 §4.1.2).
func used(ctx context.Context, tx *pg.Tx, g *Grant) (refused, err error) {
	if g.State == Active {
		err = g.end(ctx, tx, CauseReused)
	}
	return oauth.Refuse(oauth.CodeUsed, "redeeming a code"), err
}

// preAuthorized judges the code of an offer.
func (s *Server) preAuthorized(ctx context.Context, tx *pg.Tx, g *Grant, r *oauth.TokenRequest) (refused, err error) {
	switch {
	case g.State == Ended && g.Cause == CauseTries:
		return oauth.Refuse(oauth.TxCodeLocked, "redeeming an offer"), nil
	case g.State != Offered:
		return used(ctx, tx, g)
	case g.Lapsed(tx.Now):
		return oauth.Refuse(oauth.CodeExpired, "redeeming an offer"), nil
	case g.TxDigest == nil && r.TxCode != "":
		return oauth.Refuse(oauth.TxCodeUnexpected, "redeeming an offer"), nil
	case g.TxDigest != nil && r.TxCode == "":
		return oauth.Refuse(oauth.TxCodeMissing, "redeeming an offer"), nil
	case g.TxDigest != nil && !is(g.TxDigest, r.PreAuthorized, r.TxCode):
		return wrongTxCode(ctx, tx, g)
	}
	g.ClientID = r.ClientID
	return nil, nil
}

func wrongTxCode(ctx context.Context, tx *pg.Tx, g *Grant) (refused, err error) {
	if err := g.countTry(ctx, tx); err != nil {
		return nil, err
	}
	if g.Tries+1 < maxTries {
		return oauth.Refuse(oauth.TxCodeWrong, "redeeming an offer"), nil
	}
	return oauth.Refuse(oauth.TxCodeLocked, "redeeming an offer"), g.end(ctx, tx, CauseTries)
}

// authorized judges an authorization code.
func (s *Server) authorized(ctx context.Context, tx *pg.Tx, g *Grant, r *oauth.TokenRequest) (refused, err error) {
	switch {
	case g.State != Authorized:
		return used(ctx, tx, g)
	case g.Lapsed(tx.Now):
		return oauth.Refuse(oauth.CodeExpired, "redeeming a code"), nil
	case r.ClientID != g.ClientID:
		return oauth.Refuse(oauth.ClientOther, "redeeming a code"), nil
	case r.RedirectURI != g.RedirectURI:
		return oauth.Refuse(oauth.RedirectOther, "redeeming a code"), nil
	}
	return oauth.CheckVerifier(r.Verifier, g.Challenge), nil
}

// narrow keeps of a grant's configurations those that are asked for by details.
func (g *Grant) narrow(details []string) error {
	for _, d := range details {
		if !slices.Contains(g.Configurations, d) {
			return oauth.Refuse(oauth.DetailsUnknown, "redeeming a code")
		}
	}
	if len(details) > 0 {
		g.Configurations, g.Identified = details, true
	}
	return nil
}

// renew rotates a refresh token. The one before is taken once more as long as its answer may have been lost on the way; after
// that it ends the grant, since whoever shows it has not got the answer (RFC 9700 §4.14.2).
func (s *Server) renew(ctx context.Context, registrar string, r *oauth.TokenRequest, p oauth.DPoP, client *oauth.Client) (*oauth.Answer, error) {
	var answer *oauth.Answer
	err := s.held(ctx, registrar, r.Refresh, oauth.RefreshUnknown, p, func(tx *pg.Tx, g *Grant) (refused, err error) {
		if refused, err = unused(ctx, tx, client); refused != nil || err != nil {
			return refused, err
		}
		current, before := is(g.RefreshDigest, r.Refresh), is(g.RefreshBefore, r.Refresh)
		switch {
		case !current && !before:
			return oauth.Refuse(oauth.RefreshUnknown, "renewing tokens"), nil
		case g.State != Active:
			return oauth.Refuse(oauth.GrantEnded, "renewing tokens"), nil
		case g.HolderKey != p.Key.Thumbprint():
			return oauth.Refuse(oauth.DPoPKey, "renewing tokens"), nil
		case r.ClientID != "" && r.ClientID != g.ClientID:
			return oauth.Refuse(oauth.ClientOther, "renewing tokens"), nil
		case g.Lapsed(tx.Now):
			return oauth.Refuse(oauth.RefreshExpired, "renewing tokens"), nil
		case before && tx.Now.Sub(*g.RefreshedAt) > retryWindow:
			return oauth.Refuse(oauth.RefreshUsed, "renewing tokens"), g.end(ctx, tx, CauseReused)
		}
		t, err := s.draw(registrar, g)
		if err != nil {
			return nil, err
		}
		answer = g.answer(t)
		return nil, g.refresh(ctx, tx, t, digest(r.Refresh))
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// draw makes tokens for a grant.
func (s *Server) draw(registrar string, g *Grant) (t tokens, err error) {
	reg, ok := s.Catalogue.Register(g.RegisterID)
	if !ok || reg.Registrar != registrar {
		return t, unknown()
	}
	if t.access, err = newSecret(reg.Code, g.ID); err != nil {
		return t, err
	}
	t.refresh, err = newSecret(reg.Code, g.ID)
	return t, err
}

func (g *Grant) answer(t tokens) *oauth.Answer {
	a := &oauth.Answer{AccessToken: t.access, TokenType: "DPoP", ExpiresIn: int(accessLife.Seconds()), RefreshToken: t.refresh}
	if !g.Identified {
		a.Scope = strings.Join(g.Configurations, " ")
		return a
	}
	for _, c := range g.Configurations {
		a.Details = append(a.Details, oauth.NewDetail(c, g.identifier(c)))
	}
	return a
}

// identifier names the dataset that a grant has for a configuration.
func (g *Grant) identifier(configuration string) string { return configuration + "/" + g.ID.String() }
