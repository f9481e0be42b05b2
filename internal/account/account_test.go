package account_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"akashi/internal/account"
	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/pg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every role against every permission, written out once more, independently of the table in the package.
func TestRolesAndPermissions(t *testing.T) {
	const table = `
                     intake reviewer approver register_keeper statistician auditor admin planner director
	case.view          yes    yes      yes      yes             -            -       -     -       -
	case.intake        yes    -        -        -               -            -       -     -       -
	case.review        -      yes      -        -               -            -       -     -       -
	case.forward       yes    yes      -        -               -            -       -     -       -
	case.approve       -      -        yes      -               -            -       -     -       -
	case.reverse       -      -        yes      -               -            -       -     -       -
	register.search    -      yes      yes      yes             -            -       -     -       -
	register.view      -      yes      yes      yes             -            -       -     -       -
	register.change    -      -        -        yes             -            -       -     -       -
	register.suspend   -      -        -        yes             -            -       -     -       -
	register.revoke    -      -        -        yes             -            -       -     -       -
	credential.revoke  -      -        -        yes             -            -       -     -       -
	statistics.view    -      -        -        -               yes          -       -     -       -
	audit.view         -      -        -        -               -            yes     -     -       -
	staff.view         -      -        -        -               -            -       yes     -       -
	staff.grant        -      -        -        -               -            -       yes     -       -
	settings.change    -      -        -        -               -            -       yes     -       -
	rollout.plan       -      -        -        -               -            -       -     yes     -
	rollout.decide     -      -        -        -               -            -       -     -       yes
	definition.write   -      -        -        -               -            -       -     yes     -
	definition.decide  -      -        -        -               -            -       -     -       yes`
	lines := strings.Split(strings.TrimSpace(table), "\n")
	roles := strings.Fields(lines[0])
	if len(roles) != len(account.Roles()) || len(lines)-1 != len(account.Permissions()) {
		t.Fatalf("the test has %d roles and %d permissions, the program %d and %d",
			len(roles), len(lines)-1, len(account.Roles()), len(account.Permissions()))
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		p := account.Permission(cells[0])
		if !slices.Contains(account.Permissions(), p) {
			t.Errorf("%s is not in Permissions", p)
		}
		for i, role := range roles {
			want := cells[i+1] == "yes"
			s := account.Staff{Grants: []account.Grant{{Body: "mhlw", Role: account.Role(role)}}}
			if got := s.May("mhlw", p); got != want {
				t.Errorf("%s may %s: %v, want %v", role, p, got, want)
			}
			if s.May("sssc", p) || s.May("", p) {
				t.Errorf("%s may %s at a body where the role is not held", role, p)
			}
		}
	}
}

func TestNoRoleReviewsAndApproves(t *testing.T) {
	for _, info := range account.Roles() {
		if info.Role.Permits(account.CaseReview) && info.Role.Permits(account.CaseApprove) {
			t.Errorf("%s reviews and approves", info.Role)
		}
		if !strings.HasSuffix(info.Sentence, ".") {
			t.Errorf("%s has no sentence", info.Role)
		}
	}
	if account.Role("root").Permits(account.CaseView) {
		t.Error("a role outside the table permits something")
	}
}

func TestStepUpIsForActsThatChangeRights(t *testing.T) {
	want := []account.Permission{account.CaseApprove, account.CaseReverse, account.RegisterSuspend, account.RegisterRevoke,
		account.CredentialRevoke, account.StaffGrant, account.RolloutDecide, account.DefinitionDecide}
	var got []account.Permission
	for _, p := range account.Permissions() {
		if p.StepUp() {
			got = append(got, p)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("step-up for %v, want %v", got, want)
	}
}

func TestSeveralBodies(t *testing.T) {
	s := account.Staff{Grants: []account.Grant{{"pref-41", account.Reviewer}, {"mhlw", account.Reviewer}, {"mhlw", account.Auditor}, {"sssc", account.Admin}}}
	if got := s.Bodies(account.CaseReview); !slices.Equal(got, []string{"mhlw", "pref-41"}) {
		t.Errorf("reviews at %v", got)
	}
	if r, ok := s.RoleFor("mhlw", account.AuditView); !ok || r != account.Auditor {
		t.Errorf("views the log as %q", r)
	}
	if r, ok := s.RoleFor("sssc", account.AuditView); ok {
		t.Errorf("views the log of sssc as %q", r)
	}
}

func TestRefFor(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	person := uuid.MustParse("0190a000-0000-7000-8000-00000000000a")
	// printf 'akashi person_ref 1\0\x01\x90\xa0\0\0\0\x70\0\x80\0\0\0\0\0\0\x0amhlw' | openssl dgst -sha256 -mac HMAC
	// -macopt key:0123456789abcdef0123456789abcdef, the first 16 bytes with the bits of version 8.
	if got, want := account.RefFor(key, person, "mhlw").String(), "5914f3ef-879d-8855-a45e-cad5c471e2b2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		a := rapid.StringMatching(`[a-z]{2,6}(-[0-9]{2})?`).Draw(t, "a")
		b := rapid.StringMatching(`[a-z]{2,6}(-[0-9]{2})?`).Draw(t, "b")
		ra, rb := account.RefFor(key, id, a), account.RefFor(key, id, b)
		if ra.Version() != 8 || ra.Variant() != uuid.RFC4122 {
			t.Errorf("%s has version %d and variant %s", ra, ra.Version(), ra.Variant())
		}
		if (a == b) != (ra == rb) {
			t.Errorf("%s and %s give %s and %s", a, b, ra, rb)
		}
		if ra == account.RefFor([]byte("another key of the same length.."), id, a) {
			t.Error("the key does not matter")
		}
	})
}

var start = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

func TestRolesInForce(t *testing.T) {
	var c clock.Adjustable
	c.Set(start)
	d := pgtest.New(t).WithClock(&c)
	worker, office := d.As(pg.RoleWorker), d.As(pg.RoleOffice)
	reviewer, approver := account.Grant{Body: "mhlw", Role: account.Reviewer}, account.Grant{Body: "mhlw", Role: account.Approver}
	var id uuid.UUID
	act := func(f func(tx *pg.Tx) error) { t.Helper(); must(t, worker.Platform(t.Context(), f)) }
	act(func(tx *pg.Tx) (err error) {
		if id, err = account.SetStaff(t.Context(), tx, "s-1", "佐藤 花子", true); err != nil {
			return err
		}
		return errors.Join(account.Give(t.Context(), tx, id, reviewer, "operator"), account.Give(t.Context(), tx, id, reviewer, "operator"))
	})
	expect := func(step string, want ...account.Grant) {
		t.Helper()
		s, err := account.ByLogin(t.Context(), office, "s-1")
		must(t, err)
		if s.ID != id || s.Name != "佐藤 花子" || !slices.Equal(s.Grants, want) {
			t.Errorf("%s: %+v, want %v", step, s, want)
		}
	}
	expect("given", reviewer)
	c.Advance(time.Hour)
	act(func(tx *pg.Tx) error { return account.Give(t.Context(), tx, id, approver, "operator") })
	expect("second role", approver, reviewer)
	c.Advance(time.Hour)
	act(func(tx *pg.Tx) error { return account.Withdraw(t.Context(), tx, id, reviewer) })
	expect("withdrawn", approver)
	c.Advance(time.Hour)
	act(func(tx *pg.Tx) error { return account.Give(t.Context(), tx, id, reviewer, "operator") })
	expect("given again", approver, reviewer)
	c.Set(start.Add(time.Minute))
	expect("before the second role, by a clock set back", reviewer)

	err := worker.Platform(t.Context(), func(tx *pg.Tx) error {
		return account.Withdraw(t.Context(), tx, id, account.Grant{Body: "sssc", Role: account.Admin})
	})
	if !errors.Is(err, fault.NotFound) {
		t.Errorf("withdrawing what is not held: %v", err)
	}
	act(func(tx *pg.Tx) error {
		_, err := account.SetStaff(t.Context(), tx, "s-1", "佐藤 花子", false)
		return err
	})
	var f *fault.Error
	if _, err := account.ByLogin(t.Context(), office, "s-1"); !errors.As(err, &f) || f.Key != "account.staff_closed" {
		t.Errorf("a closed account: %v", err)
	}
	if _, err := account.ByLogin(t.Context(), office, "s-2"); !errors.As(err, &f) || f.Key != "account.staff_unknown" {
		t.Errorf("an unknown subject: %v", err)
	}
}

func TestTheDatabaseKnowsTheSameRoles(t *testing.T) {
	d := pgtest.New(t)
	var check string
	must(t, d.Superuser().QueryRow(t.Context(), `select pg_get_constraintdef(oid) from pg_constraint where conname = 'staff_role_known'`).Scan(&check))
	for _, info := range account.Roles() {
		if !strings.Contains(check, "'"+string(info.Role)+"'") {
			t.Errorf("%s is missing in %s", info.Role, check)
		}
	}
	if n := strings.Count(check, "::text"); n < len(account.Roles()) || strings.Count(check, "'") != 2*len(account.Roles()) {
		t.Errorf("the constraint knows other roles: %s", check)
	}
}

func TestPortalsCannotGrantRoles(t *testing.T) {
	d := pgtest.New(t)
	for _, role := range []string{pg.RoleCitizen, pg.RoleOffice, pg.RolePublic} {
		err := d.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			return account.Give(t.Context(), tx, pg.NewID(), account.Grant{Body: "mhlw", Role: account.Admin}, "me")
		})
		wantSQL(t, err, "permission denied for table staff_role")
	}
}

func wantSQL(t testing.TB, err error, text string) {
	t.Helper()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Message != text {
		t.Errorf("got %v, want %s", err, text)
	}
}

func TestEnsurePerson(t *testing.T) {
	d := pgtest.New(t)
	citizen := d.As(pg.RoleCitizen)
	first, created, err := account.EnsurePerson(t.Context(), citizen, "https://login.example", "sub'1", start)
	must(t, err)
	if !created {
		t.Error("the first login made nobody")
	}
	again, created, err := account.EnsurePerson(t.Context(), citizen, "https://login.example", "sub'1", start)
	must(t, err)
	if created || again != first {
		t.Errorf("the second login is %s, the first was %s", again, first)
	}
	for _, other := range [][2]string{{"https://login.example", "sub2"}, {"https://other.example", "sub'1"}} {
		id, created, err := account.EnsurePerson(t.Context(), citizen, other[0], other[1], start)
		must(t, err)
		if !created || id == first {
			t.Errorf("%v is the same person", other)
		}
	}
}

func TestFirstLoginsAtOnceMakeOnePerson(t *testing.T) {
	d := pgtest.New(t)
	citizen := d.As(pg.RoleCitizen)
	var mu sync.Mutex
	found, made := map[uuid.UUID]int{}, 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			id, created, err := account.EnsurePerson(t.Context(), citizen, "https://login.example", "sub", start)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			found[id]++
			if created {
				made++
			}
		})
	}
	all.Wait()
	var persons int
	must(t, d.Superuser().QueryRow(t.Context(), `select count(*) from person`).Scan(&persons))
	if len(found) != 1 || made != 1 || persons != 1 {
		t.Errorf("found %v, made %d, %d rows", found, made, persons)
	}
}

func TestLoginsCannotBeListed(t *testing.T) {
	d := pgtest.New(t)
	citizen := d.As(pg.RoleCitizen)
	mine, _, err := account.EnsurePerson(t.Context(), citizen, "https://login.example", "mine", start)
	must(t, err)
	_, _, err = account.EnsurePerson(t.Context(), citizen, "https://login.example", "other", start)
	must(t, err)
	for _, table := range []string{"login", "person"} {
		var n int
		look := func(tx *pg.Tx) error { return tx.QueryRow(t.Context(), "select count(*) from "+table).Scan(&n) }
		must(t, citizen.Platform(t.Context(), look))
		if n != 0 {
			t.Errorf("without a door %d rows of %s are seen", n, table)
		}
		must(t, citizen.InPerson(t.Context(), pg.Person{ID: mine}, look))
		if n != 1 {
			t.Errorf("the person sees %d rows of %s", n, table)
		}
		for _, role := range []string{pg.RoleOffice, pg.RolePublic, pg.RoleWorker} {
			wantSQL(t, d.As(role).Platform(t.Context(), look), "permission denied for table "+table)
		}
	}
	err = citizen.InPerson(t.Context(), pg.Person{ID: pg.NewID()}, func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into login values ('i', 's', $1, now())`, mine)
		return err
	})
	wantSQL(t, err, `new row violates row-level security policy for table "login"`)
}
