package system

import (
	"context"
	"fmt"
	"time"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/jpki"
)

// listPatience is how long a signature waits for its revocation list.
const listPatience = 15 * time.Second

// verifySignature checks a card's signature strictly and packs it into the form in which it is kept.
func verifySignature(v *jpki.Verifier) application.VerifySignature {
	return func(content, signature, certificate []byte, at time.Time) (application.Signed, error) {
		ctx, cancel := context.WithTimeout(context.Background(), listPatience)
		defer cancel()
		s, err := v.Verify(ctx, content, signature, certificate, at)
		if err != nil {
			return application.Signed{}, err
		}
		signer, err := signerOf(s)
		if err != nil {
			return application.Signed{}, err
		}
		packed, err := cms.Build(signature, certificate)
		if err != nil {
			return application.Signed{}, fmt.Errorf("packing a signature: %w", err)
		}
		return application.Signed{Signer: signer, CMS: packed}, nil
	}
}

// signerOf turns the certificate's particulars into the stage's. A certificate with an unknown era has no birth date to
// compare, so it cannot be the applicant's for us (fault.Invalid).
func signerOf(s jpki.Signer) (application.Signer, error) {
	birth, err := calendar.ParseISO(s.BirthDate)
	if err != nil {
		return application.Signer{}, &fault.Error{Kind: fault.Invalid, Key: jpki.BadBirthDate.Key(), Doing: "reading the signer's birth date", Err: err}
	}
	return application.Signer{Name: s.Name, NameAlt: s.NameAlt, BirthDate: birth, Sex: string(s.Sex), Address: s.Address,
		Serial: s.Serial, Issuer: s.Issuer, NotAfter: s.NotAfter}, nil
}
