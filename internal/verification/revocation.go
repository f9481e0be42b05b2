package verification

import (
	"context"

	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

// RevocationList reads the newest revocation list of our own authority. fault.NotFound when there is no such authority.
func (v *Verifier) RevocationList(ctx context.Context) (list credential.RevocationList, err error) {
	err = v.DB.Public(ctx, func(tx *pg.Tx) error {
		all, err := credential.RevocationLists(ctx, tx)
		if err == nil && len(all) == 0 {
			err = fault.New(fault.NotFound, "", "reading a revocation list")
		}
		if err != nil {
			return err
		}
		list = all[0]
		return nil
	})
	return list, err
}
