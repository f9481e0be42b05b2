package application

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/format/jcs"
	"akashi/internal/pg"
)

// CardStatementFormat marks what is signed for trying a card, so that such a signature can never stand for an
// application: DocumentFormat differs.
const CardStatementFormat = "akashi-card-check/1"

// CardStatement is a fresh statement for trying a card before the first question: people find out too late otherwise
// that moving house has revoked their signing certificate. It applies for nothing and says so.
func CardStatement(now time.Time) ([]byte, error) {
	challenge := make([]byte, 16)
	if _, err := rand.Read(challenge); err != nil {
		return nil, fmt.Errorf("drawing a challenge: %w", err)
	}
	return jcs.Marshal(map[string]string{
		"format": CardStatementFormat, "challenge": hex.EncodeToString(challenge), "at": now.Format(time.RFC3339),
		"statement": "署名用電子証明書が使えることを確かめるための署名です。何も申請しません。",
	})
}

// CardDigest is the SHA-256 of a statement, which the signing service takes.
func CardDigest(statement []byte) [32]byte { return sha256.Sum256(statement) }

// CheckCard tells whether the card's signing certificate can be used for an application now, and until when. Nothing is
// kept of it but that it happened. The errors are those of Submit.
func (d *Desk) CheckCard(ctx context.Context, a Applicant, statement, signature, certificate []byte) (Signer, error) {
	signed, err := d.Verify(statement, signature, certificate, d.DB.Clock.Now())
	outcome := "usable"
	if err == nil {
		err = SamePerson(signed.Signer, a.Card)
	}
	if err != nil {
		outcome = "refused"
	}
	recorded := d.DB.InPerson(ctx, pg.Person{ID: a.ID, Ref: account.RefFor(d.RefKey, a.ID, "")}, func(tx *pg.Tx) error {
		return audit.Record(ctx, tx, audit.Event{Act: audit.PersonCardCheck, Actor: a.actor(), Purpose: "procedure", Outcome: outcome})
	})
	if err != nil {
		return Signer{}, err
	}
	return signed.Signer, recorded
}
