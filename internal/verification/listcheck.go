package verification

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/statuslist"
	"akashi/internal/pg"
)

// CheckList sees that a version of a status list, in both forms, is the one of the address as it was signed: by a key for status
// lists of the registrar that keeps the register, over the same values. A list that was damaged where it lies, or that a distrusted
// key signed, is better not published: fault.Upstream.
func (v *Verifier) CheckList(ctx context.Context, address string, list *credential.ListVersion) error {
	reg, _, ok := v.placeOf(address)
	if !ok {
		return fault.New(fault.NotFound, "", "checking a status list of no register")
	}
	key := func(kid string, chain []*x509.Certificate) (crypto.PublicKey, error) {
		public, err := v.listKey(ctx, reg.Registrar, kid)
		if err == nil && !sameKey(chain, public) {
			err = OtherCertificate
		}
		return public, err
	}
	expect := statuslist.Expect{Subject: address, Now: list.IssuedAt}
	jwt, err := statuslist.ReadJWT(list.JWT, key, expect)
	if err != nil {
		return fault.Wrap(fault.Upstream, err, "checking a status list before it is published")
	}
	cwt, err := statuslist.ReadCWT(list.CWT, key, expect)
	if err != nil {
		return fault.Wrap(fault.Upstream, err, "checking a status list before it is published")
	}
	values := jwt.List.Digest()
	if values != cwt.List.Digest() || !bytes.Equal(values[:], list.Content) || !jwt.ExpiresAt.Equal(list.ExpiresAt.Truncate(time.Second)) || !cwt.ExpiresAt.Equal(jwt.ExpiresAt) {
		return fault.New(fault.Upstream, "", "checking a status list before it is published: it does not say what was computed")
	}
	return nil
}

// listKey reads a registrar's key for status lists. WrongPurpose, Distrusted or UnknownKey when it is none.
func (v *Verifier) listKey(ctx context.Context, registrar, kid string) (crypto.PublicKey, error) {
	type row struct {
		Purpose      string
		JWK          []byte
		DistrustedAt *time.Time
	}
	found, err := pg.Ask(ctx, v.DB, pgx.RowToStructByPos[row], `
		select purpose, public_jwk::text::bytea, distrusted_at from signing_key where kid = $1 and registrar_id = $2`, kid, registrar)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the key of a status list: %w", err)
	case len(found) == 0:
		return nil, UnknownKey
	case found[0].Purpose != string(credential.ForStatus):
		return nil, WrongPurpose
	case found[0].DistrustedAt != nil:
		return nil, errors.Join(Distrusted, errors.New("the list waits for its next version"))
	}
	return v.publicKey(kid, found[0].JWK)
}
