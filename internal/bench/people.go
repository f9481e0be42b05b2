package bench

import (
	"context"
	"crypto/sha256"
	"fmt"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/family"
	"akashi/internal/govsim/idp"
	"akashi/internal/govsim/world"
	"akashi/internal/jtext"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// The register, its registrar and the procedure that every case is about.
const (
	qualificationID = "kangoshi"
	register        = "kangoshi.mhlw"
	registrar       = "mhlw"
	procedure       = "registration"
	sitting         = "2026-03"
)

// staffPassword is that of every simulated member of staff.
const staffPassword = "bench"

// digits are characters for numbers within names: no two are variants of each other.
var digits = []rune("零一二三四五六七八九")

// applicant returns the n-th invented applicant. Everybody has a name of their own, since a reviewer is warned of
// namesakes with the same birth date.
func applicant(n int) world.Person {
	given, kana := "", ""
	for _, d := range fmt.Sprintf("%05d", n) {
		given += string(digits[d-'0'])
		kana += string([]rune("アイウエオカキクケコ")[d-'0'])
	}
	return world.Person{ID: cardID(n), Label: "計測のための人", Name: "計測　" + given, Kana: "ケイソク　" + kana, BirthDate: "2003-04-12",
		Sex: string(jpki.Female), Address: "東京都千代田区見本町一丁目1番1号", Prefecture: "Tokyo-to", City: "Chiyoda-ku",
		State: "alive", Class: family.Determined, Domiciles: []family.Domicile{{Prefecture: "13", Name: "東京都"}}}
}

func cardID(n int) string { return fmt.Sprintf("bench%d", n) }

// examinee is the applicant's number on the list of passers.
func examinee(n int) string { return fmt.Sprint(100000 + n) }

// member is the n-th member of staff in a role.
func member(role account.Role, n int) string { return fmt.Sprintf("%s-%d", role, n) }

// roles are the roles that staff are needed in: one member for each client, and one for the recorded case.
var roles = []account.Role{account.Reviewer, account.Approver}

// users are the staff as the staff's login knows them.
func users(clients int) (all []idp.StaffUser) {
	for _, role := range roles {
		for n := range clients + 1 {
			otp := sha256.Sum256([]byte("one-time codes of " + member(role, n)))
			all = append(all, idp.StaffUser{Subject: member(role, n), Username: member(role, n), Name: member(role, n), Password: staffPassword, OTPKey: otp[:20]})
		}
	}
	return all
}

// seed writes staff and the list of passers, as the operator and the examination's body would.
func seed(ctx context.Context, db *pg.DB, cat *qualification.Catalogue, clients, people int) error {
	if err := application.SyncReference(ctx, db, cat); err != nil {
		return err
	}
	if err := db.Platform(ctx, func(tx *pg.Tx) error { return appoint(ctx, tx, clients) }); err != nil {
		return err
	}
	return db.InRegistrar(ctx, registrar, func(tx *pg.Tx) error {
		var b pg.Batch
		for n := range people {
			p := applicant(n)
			b.Exec("loading the list of passers", `
				insert into passer (register_id, sitting, place, number, name_key, birth_date, loaded_at)
				values ($1, $2, '13', $3, $4, $5, $6)`, register, sitting, examinee(n), jtext.SearchKey(p.Name), p.BirthDate, tx.Now)
		}
		return b.Send(ctx, tx.Tx)
	})
}

func appoint(ctx context.Context, tx *pg.Tx, clients int) error {
	for _, role := range roles {
		for n := range clients + 1 {
			id, err := account.SetStaff(ctx, tx, member(role, n), member(role, n), true)
			if err == nil {
				err = account.Give(ctx, tx, id, account.Grant{Body: registrar, Role: role}, "bench")
			}
			if err != nil {
				return fmt.Errorf("appointing staff: %w", err)
			}
		}
	}
	return nil
}
