package credential_test

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/pg"
)

// A list is made when there is none, when the last has aged, and when a key is distrusted; it names exactly the certificates
// of the authority's distrusted keys.
func TestRevocationList(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	worker := w.DB.As(pg.RoleWorker)
	var key *credential.SigningKey
	err := worker.Platform(ctx, func(tx *pg.Tx) (err error) {
		key, err = credential.KeyFor(ctx, tx, "mhlw", credential.ForDocument)
		return err
	})
	if err != nil || len(key.Chain) != 2 {
		t.Fatalf("%+v, %v", key, err)
	}
	var made []string
	publish := func(name string, want bool) {
		t.Helper()
		got, err := credential.PublishList(ctx, worker, key.Chain[1], func(n *big.Int, revoked []x509.RevocationListEntry, at, next time.Time) ([]byte, error) {
			line := fmt.Sprint(n, len(revoked), next.Sub(at))
			for _, r := range revoked {
				if r.SerialNumber.Cmp(key.Chain[0].SerialNumber) != 0 || r.ReasonCode != 1 {
					t.Errorf("revoked %+v", r)
				}
			}
			made = append(made, line)
			return []byte(line), nil
		})
		if err != nil || got != want {
			t.Errorf("%s: made %v, %v", name, got, err)
		}
	}
	publish("the first", true)
	publish("at once again", false)
	w.Clock.Advance(13 * time.Hour)
	publish("half a day later", true)
	if _, err := w.DB.Superuser().Exec(ctx, `update signing_key set distrusted_at = $2 where kid = $1`, key.KID, w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	publish("a key distrusted", true)
	publish("the same again", false)
	if fmt.Sprint(made) != "[1 0 168h0m0s 2 0 168h0m0s 3 1 168h0m0s]" {
		t.Errorf("made %v", made)
	}
	list, err := w.Verifier.RevocationList(ctx)
	if err != nil || list.Number != 3 || string(list.DER) != made[2] || len(list.Revoked) != 1 || list.Revoked[0] != key.KID {
		t.Errorf("published %+v, %v", list, err)
	}
}
