package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
	"akashi/internal/pg"
)

// ByLogin finds the member of staff behind a subject of the staff's login provider, with the roles in force now. An
// unknown subject is fault.NotFound, a closed account fault.Forbidden.
func ByLogin(ctx context.Context, db *pg.DB, subject string) (Staff, error) {
	found, err := pg.Ask(ctx, db, pgx.RowToStructByPos[loginRow], `
		select s.id, s.name, s.active, r.body_id, r.role
		  from staff s
		  left join staff_role r on r.staff_id = s.id and r.granted_at <= $2 and (r.until is null or r.until > $2)
		 where s.subject = $1
		 order by r.body_id, r.role`, subject, db.Clock.Now())
	if err != nil {
		return Staff{}, fmt.Errorf("finding a staff account: %w", err)
	}
	if len(found) == 0 {
		return Staff{}, fault.New(fault.NotFound, "account.staff_unknown", "no staff account has this subject")
	}
	s := Staff{ID: found[0].ID, Subject: subject, Name: found[0].Name}
	if !found[0].Active {
		return Staff{}, fault.New(fault.Forbidden, "account.staff_closed", "the staff account "+s.ID.String()+" is closed")
	}
	for _, r := range found {
		if r.Body != nil && r.Role != nil {
			s.Grants = append(s.Grants, Grant{Body: *r.Body, Role: *r.Role})
		}
	}
	return s, nil
}

// loginRow is an account with one of its roles, or with none.
type loginRow struct {
	ID     uuid.UUID
	Name   string
	Active bool
	Body   *string
	Role   *Role
}

// Names returns the names of members of staff by their ids, closed accounts too, for whoever reads who did what. An
// unknown id is left out.
func Names(ctx context.Context, db *pg.DB, ids ...uuid.UUID) (map[uuid.UUID]string, error) {
	names := make(map[uuid.UUID]string, len(ids))
	if len(ids) == 0 {
		return names, nil
	}
	found, err := pg.Ask(ctx, db, pgx.RowToStructByPos[namedRow], `select id, name from staff where id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("reading the names of staff: %w", err)
	}
	for _, r := range found {
		names[r.ID] = r.Name
	}
	return names, nil
}

type namedRow struct {
	ID   uuid.UUID
	Name string
}

// At lists everybody who has or had a role at a body, by name, for the filter of the body's log.
func At(ctx context.Context, db *pg.DB, body string) (people []Staff, err error) {
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		rows, err := tx.Query(ctx, `select s.id, s.subject, s.name from staff s
			where exists (select 1 from staff_role r where r.staff_id = s.id and r.body_id = $1) order by s.name collate "C", s.id`, body)
		if err != nil {
			return err
		}
		people, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Staff, err error) {
			return s, row.Scan(&s.ID, &s.Subject, &s.Name)
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the staff of a body: %w", err)
	}
	return people, nil
}

// SetStaff writes a staff account by its subject and returns its id: made when it is new, renamed or reopened when not.
func SetStaff(ctx context.Context, tx *pg.Tx, subject, name string, active bool) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `insert into staff (id, subject, name, active) values ($1, $2, $3, $4)
		on conflict on constraint staff_unique_subject do update set name = excluded.name, active = excluded.active
		returning id`, pg.NewID(), subject, name, active).Scan(&id)
	if err != nil {
		return uuid.Nil, fmt.Errorf("writing a staff account: %w", err)
	}
	return id, nil
}

// Give gives a role at a body from now on; giving it again changes nothing. by names who granted it. The caller
// records audit.RoleGrant in the same transaction.
func Give(ctx context.Context, tx *pg.Tx, staff uuid.UUID, g Grant, by string) error {
	_, err := tx.Exec(ctx, `insert into staff_role (staff_id, body_id, role, granted_at, granted_by)
		values ($1, $2, $3, $4, $5) on conflict (staff_id, body_id, role) where until is null do nothing`,
		staff, g.Body, g.Role, tx.Now, by)
	if err != nil {
		return fmt.Errorf("giving the role %s at %s: %w", g.Role, g.Body, err)
	}
	return nil
}

// Withdraw ends a role at a body now. fault.NotFound when it was not held. The caller records audit.RoleWithdraw.
func Withdraw(ctx context.Context, tx *pg.Tx, staff uuid.UUID, g Grant) error {
	done, err := tx.Exec(ctx, `update staff_role set until = greatest($4, granted_at)
		where staff_id = $1 and body_id = $2 and role = $3 and until is null`, staff, g.Body, g.Role, tx.Now)
	if err != nil {
		return fmt.Errorf("withdrawing the role %s at %s: %w", g.Role, g.Body, err)
	}
	if done.RowsAffected() == 0 {
		return fault.New(fault.NotFound, "", fmt.Sprintf("withdrawing the role %s at %s, which is not held", g.Role, g.Body))
	}
	return nil
}

// EnsurePerson returns the id of the person behind a login, made at the first login. Two first logins at once make one
// person.
func EnsurePerson(ctx context.Context, db *pg.DB, issuer, subject string, now time.Time) (id uuid.UUID, created bool, err error) {
	id, err = personOf(ctx, db, issuer, subject)
	if !errors.Is(err, pgx.ErrNoRows) {
		return id, false, wrapPerson(err)
	}
	id = pg.NewID()
	err = db.InPerson(ctx, pg.Person{ID: id}, func(tx *pg.Tx) error {
		var b pgx.Batch
		b.Queue(`insert into person (person_id, created_at) values ($1, $2)`, id, now)
		b.Queue(`insert into login (issuer, subject, person_id, created_at) values ($1, $2, $3, $4)`, issuer, subject, id, now)
		return tx.SendBatch(ctx, &b).Close()
	})
	if pg.Violates(err, "login_unique_subject") { // the other first login was faster; ours left nothing behind
		id, err = personOf(ctx, db, issuer, subject)
		return id, false, wrapPerson(err)
	}
	if err != nil {
		return uuid.Nil, false, wrapPerson(err)
	}
	return id, true, nil
}

// personOf looks a login up by naming it: row security shows the row of the named login and no other.
func personOf(ctx context.Context, db *pg.DB, issuer, subject string) (id uuid.UUID, err error) {
	name := sha256.Sum256([]byte(issuer + "\n" + subject))
	err = db.Platform(ctx, func(tx *pg.Tx) error {
		if _, err := tx.Exec(ctx, "set local app.login = '"+hex.EncodeToString(name[:])+"'"); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `select person_id from login where issuer = $1 and subject = $2`, issuer, subject).Scan(&id)
	})
	return id, err
}

func wrapPerson(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("finding the person behind a login: %w", err)
}
