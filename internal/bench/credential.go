package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Credential measures credentials in every form: what signing them costs beside the signature, what their intents and places
// cost beside the same statements, issuance to wallets, signed PDFs, verification, and the publication of status lists.
func Credential(ctx context.Context, c Config) (rows []Row, err error) {
	fmt.Fprintf(c.Out, "signing in memory for %s\n", c.For)
	if rows, err = signing(c); err != nil {
		return nil, err
	}
	printed, err := papers(ctx, c)
	if err != nil {
		return nil, err
	}
	rows = append(rows, printed...)
	s, err := open(ctx, c, holdersEach*c.Clients+recordedPeople)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	if err := s.serve(ctx, c.Program); err != nil {
		return nil, err
	}
	crowd, err := s.issued(ctx, c, holdersEach*c.Clients)
	if err != nil {
		return nil, err
	}
	w, err := s.openWallet(ctx)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, Config) ([]Row, error){w.issuances, crowd.verifications, w.copies} {
		more, err := part(ctx, c)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	if err := s.stopServing(); err != nil {
		return nil, err
	}
	more, err := w.lists(ctx, c)
	return append(rows, more...), err
}

// holdersEach is how many people hold a credential for each client, so that two clients seldom work on one credential at once.
const holdersEach = 8

// issued lets applicants come to their credentials.
func (s *site) issued(ctx context.Context, c Config, n int) (*crowd, error) {
	fmt.Fprintf(c.Out, "having %d credentials issued\n", n)
	crowd, err := s.crowd(ctx, c)
	if err != nil {
		return nil, err
	}
	_, err = crowd.run(ctx, n, time.Hour, nil)
	return crowd, err
}
