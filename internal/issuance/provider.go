package issuance

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"slices"
	"time"

	"akashi/internal/format/oauth"
	"akashi/internal/pg"
)

// Providers are the authorities above the providers of wallets whose attestations are believed. Where there are any, every wallet
// shows at PAR and token endpoint by its provider's word what it is, and every key is attested (HAIP 1.0 §4.4.1, §4.5.1). Where
// there are none, wallets are public clients and keys are those that signed their proofs.
type Providers []*x509.Certificate

// trust finds the key of whoever attests, by the certificates that come along: the authority itself is not among them, and nobody
// vouches for itself. nil without providers.
func (p Providers) trust(now time.Time) oauth.Trust {
	if len(p) == 0 {
		return nil
	}
	return func(a oauth.Attester) (oauth.Key, bool) {
		if len(a.Chain) == 0 || slices.ContainsFunc(a.Chain, p.has) {
			return oauth.Key{}, false
		}
		leaf := a.Chain[0]
		key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
		if !ok || key.Curve != elliptic.P256() || leaf.IsCA || leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
			return oauth.Key{}, false
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		for _, c := range p {
			roots.AddCert(c)
		}
		for _, c := range a.Chain[1:] {
			between.AddCert(c)
		}
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		return oauth.Key{Public: key}, err == nil
	}
}

func (p Providers) has(c *x509.Certificate) bool { return slices.ContainsFunc(p, c.Equal) }

// Sent are the fields of a request in which a wallet shows who it is and which key it has.
type Sent struct{ DPoP, Attestation, Proof []string }

// client tells which kind of wallet asks, by its provider's word; nil where no provider is known, since then none is wanted. named is
// the client_id of the request, which must be the same where it is given.
func (s *Server) client(identifier, named string, sent Sent) (*oauth.Client, error) {
	if len(s.Providers) == 0 {
		return nil, nil
	}
	now := s.DB.Clock.Now()
	c, err := oauth.CheckClient(sent.Attestation, sent.Proof, oauth.ClientWant{Issuer: identifier, Now: now, Trust: s.Providers.trust(now)})
	switch {
	case err != nil:
		return nil, err
	case named != "" && named != c.ID:
		return nil, oauth.Refuse(oauth.ClientUnknown, "comparing the client with its attestation")
	}
	return &c, nil
}

// queueClient records that a wallet's proof was used, for as long as it could be used again.
func queueClient(b *pg.Batch, first *[][]byte, c *oauth.Client, now time.Time) {
	queueOnce(b, first, now.Add(2*oauth.ClientProofWindow), "client", c.Key.Thumbprint(), c.Proof)
}

// unused refuses a wallet's proof that was used before.
func unused(ctx context.Context, tx *pg.Tx, c *oauth.Client) (refused, err error) {
	if c == nil {
		return nil, nil
	}
	var b pg.Batch
	var first [][]byte
	queueClient(&b, &first, c, tx.Now)
	if err := b.Send(ctx, tx); err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return oauth.Refuse(oauth.ClientProofReplayed, "taking a wallet's proof"), nil
	}
	return nil, nil
}
