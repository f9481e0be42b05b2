package pg

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"akashi/internal/fault"
)

// Roles that nobody logs in as.
const (
	RoleSearch  = "akashi_search"  // owns the security-definer functions that search a register by name
	RoleLink    = "akashi_link"    // owns the security-definer functions that join a person's side to a register's
	RoleForward = "akashi_forward" // owns the security-definer function that passes a case on to the next body of its route
	RoleData    = "akashi_data"    // data migrations: bypasses row security, because otherwise they would change nothing
)

// LoginRoles returns the roles that parts of the program log in as.
func LoginRoles() []string {
	return []string{RoleCitizen, RoleOffice, RolePublic, RoleIssuance, RoleRelying, RoleWorker, RoleStatus}
}

// locks of ours in PostgreSQL's one space of advisory locks ("akas", then a number).
const (
	lockBootstrap = 0x616b6173_00000001
	lockMigrate   = 0x616b6173_00000002
)

// Bootstrap makes the roles, once per cluster, and prepares the database that conn is connected to: the schema belongs
// to akashi_owner, and only our roles may connect. conn must be a superuser's, or one that may create roles and set
// BYPASSRLS. Doing it again changes nothing; two programs doing it at once wait for each other.
func Bootstrap(ctx context.Context, conn *pgx.Conn) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		// Transaction locks count per database, and roles per cluster: the lock is a help for the common case, and the
		// "exception" in createRole settles the rest.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", int64(lockBootstrap)); err != nil {
			return fmt.Errorf("waiting for another bootstrap: %w", err)
		}
		for _, step := range bootstrapSteps(conn.Config().Database) {
			if _, err := tx.Exec(ctx, step); err != nil {
				return fmt.Errorf("%s: %w", firstLine(step), err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("preparing roles and database: %w", err)
	}
	return nil
}

// bootstrapSteps lists the statements in order. Roles and memberships are looked at before they are written, because
// writing the same catalogue row from two databases at once fails with "tuple concurrently updated".
func bootstrapSteps(database string) []string {
	owner, data := RoleOwner, RoleData
	steps := []string{
		createRole(owner, "nologin nobypassrls"),
		createRole(data, "nologin bypassrls"),
		createRole(RoleSearch, "nologin nobypassrls"),
		createRole(RoleLink, "nologin nobypassrls"),
		createRole(RoleForward, "nologin nobypassrls"),
	}
	for _, r := range LoginRoles() {
		steps = append(steps, createRole(r, "login nobypassrls"))
	}
	// A data migration runs as akashi_data on the owner's tables; a migration hands functions over to search, link and forward.
	steps = append(steps, grantRole(owner, data), grantRole(RoleSearch, owner), grantRole(RoleLink, owner), grantRole(RoleForward, owner))
	db := pgx.Identifier{database}.Sanitize()
	everybody := strings.Join(append(LoginRoles(), RoleSearch, RoleLink, RoleForward, RoleData), ", ")
	return append(steps,
		"revoke all on database "+db+" from public",
		"grant connect on database "+db+" to "+strings.Join(LoginRoles(), ", "),
		"grant connect, create on database "+db+" to "+owner,
		"alter schema public owner to "+owner,
		"revoke all on schema public from public",
		"grant usage on schema public to "+everybody,
		// Handing a function over requires that its new owner may create in the schema.
		"grant create on schema public to "+RoleSearch+", "+RoleLink+", "+RoleForward,
		// Functions are closed until a migration grants them: PostgreSQL would let everybody execute a new one. A default
		// privilege of "public" cannot be narrowed per schema, so it holds for all the owner makes in this database.
		"alter default privileges for role "+owner+" revoke execute on functions from public",
	)
}

func createRole(name, attributes string) string {
	return `do $$ begin
  if not exists (select from pg_roles where rolname = '` + name + `') then
    create role ` + name + ` nosuperuser nocreatedb nocreaterole noreplication ` + attributes + `;
  end if;
exception when duplicate_object or unique_violation then null; -- another database's bootstrap was first
end $$`
}

func grantRole(role, member string) string {
	return `do $$ begin
  if not exists (select from pg_auth_members
                  where roleid = '` + role + `'::regrole and member = '` + member + `'::regrole) then
    grant ` + role + ` to ` + member + `;
  end if;
exception when unique_violation then null; -- another database's bootstrap was first
end $$`
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// minVersion is the oldest server we use (security_invoker views, MERGE, unique nulls not distinct).
const minVersion = 150000

// CheckDatabase refuses a database on which the program would give wrong answers: an old server, another encoding than
// UTF-8, or a locale that does not know Japanese letters or sorts otherwise than by code point. It asks what the
// database does rather than how the locale is called, since the name differs by version and provider.
func CheckDatabase(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding string
	var letters, codePoints bool
	err := conn.QueryRow(ctx, `select current_setting('server_version_num')::int, current_setting('server_encoding'),
		lower('Ａ') = 'ａ', 'B' < 'a' and 'Z' < '一'`).Scan(&version, &encoding, &letters, &codePoints)
	if err != nil {
		return fmt.Errorf("looking at the database's version and locale: %w", err)
	}
	switch {
	case version < minVersion:
		return fault.New(fault.Invalid, "", fmt.Sprintf("PostgreSQL 15 or newer is needed, this is %d", version/10000))
	case encoding != "UTF8":
		return fault.New(fault.Invalid, "", "the database's encoding is "+encoding+", it must be UTF8")
	case !letters || !codePoints:
		return fault.New(fault.Invalid, "", "the database's locale must be C.UTF-8 (create database … locale 'C.UTF-8' template template0)")
	}
	return nil
}
