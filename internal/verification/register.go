package verification

import (
	"context"
	"crypto"

	"akashi/internal/calendar"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
)

// register is the register as a source: it knows every copy by its place in a status list, the key that signed it, and
// its state at this moment, which no list can know better.
func (v *Verifier) register(ctx context.Context) source {
	var copied *placed
	var signedPart []byte
	return source{
		failed:  v.tell,
		records: func() bool { return copied.records(signedPart) },
		key: func(h jws.Header, at spot, signed []byte) (crypto.PublicKey, error) {
			var err error
			signedPart = signed
			if copied, err = v.lookCopy(ctx, at.URI, uint64(at.Index), credential.ForCredential); err != nil {
				return nil, err
			}
			if copied.DistrustedAt != nil || len(h.Chain) > 0 && !copied.believes(h.Chain[0].PublicKey) {
				return nil, fault.New(fault.NotFound, "", "looking for a key that may sign this credential")
			}
			return copied.public, nil
		},
		status: func(at spot, r Result) Result {
			// The key's owner has signed, with the place of one credential, what names another.
			if id := r.Facts[cose.CertificateID]; id != "" && id != copied.PublicID {
				return v.missing(Result{Untampered: Unknown, Issuer: Unknown, Status: Unknown, CheckedAt: r.CheckedAt}, fault.NotFound)
			}
			if reg, _, ok := v.placeOf(at.URI); ok {
				r.LegalOriginal = v.Catalogue.LegalOriginal(reg.Qualification, calendar.Of(r.CheckedAt))
			}
			return copied.status(r)
		},
	}
}
