package verification

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// placed is a copy of a credential as the register knows it by its place in a status list: the key that signed it, its own
// end, and its credential's state.
type placed struct {
	found
	PublicID  string // of the credential
	Digest    []byte // SHA-256 of what was signed of it
	ExpiresAt *time.Time
	EndedAt   *time.Time
}

// placeOf reads the address of one of our status lists: …/<register's code>/<number>. The address decides nothing about
// trust; it only says where to look, and whoever signed the copy must be whom the register has there.
func (v *Verifier) placeOf(uri string) (reg *qualification.Register, list int, ok bool) {
	parts := strings.Split(uri, "/")
	if len(parts) < 3 {
		return nil, 0, false
	}
	list, err := strconv.Atoi(parts[len(parts)-1])
	if err != nil || list < 1 {
		return nil, 0, false
	}
	reg, ok = v.Catalogue.RegisterByCode(parts[len(parts)-2])
	return reg, list, ok
}

// lookCopy reads the copy at a place, signed with a key of the register's own registrar for the purpose. fault.NotFound when
// there is none.
func (v *Verifier) lookCopy(ctx context.Context, uri string, index uint64, purpose credential.Purpose) (*placed, error) {
	reg, list, ok := v.placeOf(uri)
	if !ok || index >= 1<<31 {
		return nil, fault.New(fault.NotFound, "", "looking for a copy at an address that is none of ours")
	}
	var rows []placed
	err := v.DB.Public(ctx, func(tx *pg.Tx) error {
		var b pg.Batch
		rows = nil
		pg.ReadBy(&b, &rows, scanPlaced, "looking up a copy", `
			select k.kid, k.registrar_id, k.public_jwk::text::bytea, k.distrusted_at, c.state, c.status_at, c.valid_until, c.suspended_until, c.public_id,
			       y.digest, y.expires_at, y.ended_at
			  from status_slot s
			  join credential_copy y on y.register_id = s.register_id and y.id = s.copy_id
			  join credential c on c.register_id = y.register_id and c.id = y.credential_id
			  join signing_key k on k.kid = y.kid and k.registrar_id = $4 and k.purpose = $5
			 where s.register_id = $1 and s.list_no = $2 and s.idx = $3`, reg.ID, list, int32(index), reg.Registrar, string(purpose))
		return b.SendLast(ctx, tx)
	})
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fault.New(fault.NotFound, "", "looking for a copy")
	}
	rows[0].public, err = v.publicKey(rows[0].kid, rows[0].JWK)
	return &rows[0], err
}

func scanPlaced(r pgx.CollectableRow) (p placed, err error) {
	return p, r.Scan(&p.kid, &p.KeyRegistrar, &p.JWK, &p.DistrustedAt, &p.State, &p.StatusAt, &p.ValidUntil, &p.SuspendedUntil, &p.PublicID, &p.Digest, &p.ExpiresAt, &p.EndedAt)
}

// believes tells whether the copy was signed by the very key that the register has for it, and that key is still trusted.
func (p *placed) believes(key crypto.PublicKey) bool {
	same, ok := p.public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && same.Equal(key) && p.DistrustedAt == nil
}

// records tells whether these very bytes are on record as signed for the copy. A signature that holds over others was made outside the
// register, whoever had the key: it is not believed.
func (p *placed) records(signed []byte) bool {
	digest := sha256.Sum256(signed)
	return bytes.Equal(p.Digest, digest[:])
}

// status is the register's word about the copy: its own end first, then its credential's state.
func (p *placed) status(r Result) Result {
	switch {
	case p.EndedAt != nil && !p.EndedAt.After(r.CheckedAt):
		r.Verdict, r.Status, r.StatusAt = Replaced, No, inJapan(p.EndedAt)
		return r
	case p.ExpiresAt != nil && !p.ExpiresAt.After(r.CheckedAt) && *p.State == string(credential.Valid):
		r.Verdict, r.Status, r.StatusAt = Expired, No, inJapan(p.ExpiresAt)
		return r
	}
	return p.found.status(r)
}

// missing is the result when the register has no such copy, or could not be asked.
func (v *Verifier) missing(r Result, err error) Result {
	if errors.Is(err, fault.NotFound) {
		r.Verdict, r.Issuer = UnknownIssuer, No
		return r
	}
	v.tell(err)
	r.Verdict = CannotTell
	return r
}
