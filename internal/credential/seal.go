package credential

import (
	"context"
	"crypto/sha256"
	"fmt"

	"akashi/internal/format/pades"
	"akashi/internal/pg"
)

// Sealer completes signed PDFs with what lets them be relied on for years: a timestamp of the signature, and the
// certificates and revocation lists of that day (PAdES B-LT). Without a timestamp authority it adds none; the document is
// then good as long as its certificate.
type Sealer struct {
	DB *pg.DB // any role: the published lists are read through the public door
	// Stamp gets timestamps; nil: there is no authority.
	Stamp pades.TimestampFunc
	// Evidence returns the certificates and revocation lists behind a timestamp of Stamp.
	Evidence func(ctx context.Context, token []byte) (certificates, lists [][]byte, err error)
}

// Seal puts the signature (r and s of ES256 over p.ToSign) into a prepared document and completes it. It calls the
// authority, so no transaction may be open. fault.Upstream when the authority does not answer: nothing is handed out then,
// and the same may be tried again.
func (s *Sealer) Seal(ctx context.Context, p *pades.Prepared, signature []byte) ([]byte, error) {
	cms, err := p.Signature(signature)
	if err != nil {
		return nil, err
	}
	if s.Stamp == nil {
		return p.Complete(cms, nil)
	}
	token, err := s.Stamp(ctx, sha256.Sum256(cms.Signature))
	if err != nil {
		return nil, fmt.Errorf("sealing a PDF: %w", err)
	}
	signed, err := p.Complete(cms, token)
	if err != nil {
		return nil, err
	}
	evidence, err := s.gather(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("sealing a PDF: %w", err)
	}
	return pades.Extend(signed, evidence)
}

// gather collects what is known today about the certificates of a timestamp and of our own signers.
func (s *Sealer) gather(ctx context.Context, token []byte) (e pades.Evidence, err error) {
	if e.Certificates, e.Lists, err = s.Evidence(ctx, token); err != nil {
		return e, err
	}
	err = s.DB.Public(ctx, func(tx *pg.Tx) error {
		lists, err := RevocationLists(ctx, tx)
		for _, l := range lists {
			e.Certificates, e.Lists = append(e.Certificates, l.Certificate), append(e.Lists, l.DER)
		}
		return err
	})
	return e, err
}

// Renew adds the evidence of today for the newest timestamp and stamps the whole document anew (PAdES B-LTA), so that what it
// proves outlives the certificates that prove it now.
func (s *Sealer) Renew(ctx context.Context, document []byte) ([]byte, error) {
	read, err := pades.Read(document)
	if err != nil {
		return nil, err
	}
	if newest := read.Newest(); newest != nil {
		evidence, err := s.gather(ctx, newest.Raw)
		if err != nil {
			return nil, fmt.Errorf("renewing a PDF: %w", err)
		}
		if document, err = pades.Extend(document, evidence); err != nil {
			return nil, fmt.Errorf("renewing a PDF: %w", err)
		}
	}
	return pades.Stamp(ctx, document, s.Stamp)
}
