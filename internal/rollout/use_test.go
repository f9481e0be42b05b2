package rollout_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"akashi/internal/account"
	"akashi/internal/audit"
	"akashi/internal/calendar"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
	"akashi/internal/rollout"
)

func unuse(on calendar.Date, bodies []string, functions ...string) rollout.Proposal {
	return rollout.Proposal{Kind: qualification.ActUnuse, Qualification: "local", Bodies: bodies, Functions: functions, On: on, Reason: "体制の見直しのため"}
}

// TestARegistrarChoosesItsFunctions: two people of a prefecture end functions of its own register and begin them again, each
// from its day on and at no other register; a recall before the day is theirs, too.
func TestARegistrarChoosesItsFunctions(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	colleague := w.employ(t, "colleague", "pref-41", account.Director)
	decide := func(p rollout.Proposal) error {
		t.Helper()
		id, err := w.desk.Propose(ctx, w.prefecture, p)
		if err != nil {
			return err
		}
		if err := w.desk.Decide(ctx, w.prefecture, id, true, ""); !errors.Is(err, fault.Forbidden) {
			t.Fatalf("one person: %v", err)
		}
		return w.desk.Decide(ctx, colleague, id, true, "")
	}
	uses := func(body, function string, on calendar.Date) bool {
		return w.Catalogue.Uses("local."+body, function, on)
	}
	day := w.today().AddDays(5)
	p := unuse(day, []string{"pref-41"}, qualification.FunctionPDF, qualification.FunctionWatch)
	e, err := w.desk.Preview(ctx, w.prefecture, p)
	if err != nil || e.Registers != 1 || len(e.Procedures) != 0 || !slices.Equal(e.Functions, p.Functions) {
		t.Fatalf("%+v %v", e, err)
	}
	if err := decide(p); err != nil {
		t.Fatal(err)
	}
	if !uses("pref-41", "pdf", day.AddDays(-1)) || uses("pref-41", "pdf", day) || uses("pref-41", "watch", day) {
		t.Error("the end does not count from its day on")
	}
	if !uses("pref-41", "wallet", day) || !uses("pref-13", "pdf", day) {
		t.Error("it ends what it does not name")
	}
	p.Kind, p.On, p.Functions = qualification.ActUse, day.AddDays(10), []string{qualification.FunctionPDF}
	if err := decide(p); err != nil {
		t.Fatal(err)
	}
	if uses("pref-41", "pdf", day.AddDays(9)) || !uses("pref-41", "pdf", day.AddDays(10)) || uses("pref-41", "watch", day.AddDays(10)) {
		t.Error("the beginning does not count from its day on")
	}
	acts, err := w.desk.Acts(ctx, w.prefecture, "local")
	if err != nil || len(acts) != 2 || acts[0].Kind != qualification.ActUse {
		t.Fatalf("%+v %v", acts, err)
	}
	if err := decide(rollout.Proposal{Kind: qualification.ActRecall, Qualification: "local", Recalls: acts[0].ID, Reason: "準備の遅れ"}); err != nil {
		t.Fatal(err)
	}
	if uses("pref-41", "pdf", day.AddDays(10)) {
		t.Error("the recalled beginning counts")
	}
	w.logged(t, "pref-41", audit.RolloutPropose, audit.RolloutApprove)
}

// TestFunctionsOfOthers: a registrar has no say in another's, and none in a recall of what the ministry decided.
func TestFunctionsOfOthers(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tomorrow := w.today().AddDays(1)
	for name, x := range map[string]struct {
		o    rollout.Officer
		p    rollout.Proposal
		want error
	}{
		"its own":            {w.prefecture, unuse(tomorrow, []string{"pref-41"}, "pdf"), nil},
		"another's":          {w.prefecture, unuse(tomorrow, []string{"pref-13"}, "pdf"), fault.Forbidden},
		"both":               {w.prefecture, unuse(tomorrow, []string{"pref-41", "pref-13"}, "pdf"), fault.Forbidden},
		"ministry in charge": {w.planner, unuse(tomorrow, []string{"pref-41", "pref-13"}, "pdf"), nil},
		"another ministry":   {w.other, unuse(tomorrow, []string{"pref-41"}, "pdf"), fault.NotFound},
	} {
		if _, err := w.desk.Propose(ctx, x.o, x.p); !errors.Is(err, x.want) || x.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, x.want)
		}
	}
	colleague := w.employ(t, "colleague", "pref-41", account.Director)
	both := w.propose(t, unuse(tomorrow, []string{"pref-41", "pref-13"}, "wallet"))
	if err := w.desk.Decide(ctx, colleague, both, true, ""); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a prefecture decides about two: %v", err)
	}
	opening := w.approve(t, w.opening(tomorrow, w.planned(t)[0]))
	recall := rollout.Proposal{Kind: qualification.ActRecall, Qualification: "local", Recalls: opening, Reason: "取りやめ"}
	if _, err := w.desk.Propose(ctx, w.prefecture, recall); !errors.Is(err, fault.Forbidden) {
		t.Errorf("a prefecture recalls an opening: %v", err)
	}
}

// TestWhatIsRefusedOfFunctions: each mistake by its rule.
func TestWhatIsRefusedOfFunctions(t *testing.T) {
	w := newWorld(t)
	tomorrow := w.today().AddDays(1)
	saga := []string{"pref-41"}
	ended := w.approve(t, unuse(tomorrow, saga, "wallet"))
	begins := unuse(tomorrow.AddDays(30), saga, "wallet")
	begins.Kind = qualification.ActUse
	later := w.approve(t, begins)
	use := func(on calendar.Date, functions ...string) rollout.Proposal {
		p := unuse(on, saga, functions...)
		p.Kind = qualification.ActUse
		return p
	}
	with := func(p rollout.Proposal, f func(*rollout.Proposal)) rollout.Proposal {
		f(&p)
		return p
	}
	for name, x := range map[string]struct {
		p    rollout.Proposal
		kind fault.Kind
		key  string
		act  string
	}{
		"no function":           {unuse(tomorrow, saga), fault.Invalid, "functions", ""},
		"unknown":               {unuse(tomorrow, saga, "party"), fault.Invalid, "functions", ""},
		"not of a register":     {unuse(tomorrow, saga, qualification.FunctionIntake), fault.Invalid, "functions", ""},
		"twice":                 {unuse(tomorrow, saga, "pdf", "pdf"), fault.Invalid, "functions", ""},
		"of a closing":          {with(w.closing(tomorrow), func(p *rollout.Proposal) { p.Functions = []string{"pdf"} }), fault.Invalid, "functions", ""},
		"with procedures":       {with(unuse(tomorrow, saga, "pdf"), func(p *rollout.Proposal) { p.Procedures = []string{"registration"} }), fault.Invalid, "procedure", ""},
		"with a channel":        {with(unuse(tomorrow, saga, "pdf"), func(p *rollout.Proposal) { p.Channel = "online" }), fault.Invalid, "channel", ""},
		"no register":           {unuse(tomorrow, nil, "pdf"), fault.Invalid, "no_bodies", ""},
		"no such register":      {unuse(tomorrow, []string{"sssc"}, "pdf"), fault.Invalid, "register", ""},
		"ended yesterday":       {unuse(w.today().AddDays(-1), saga, "pdf"), fault.Invalid, "date_past", ""},
		"begun today":           {use(w.today(), "wallet"), fault.Invalid, "date_past", ""},
		"used from the start":   {use(tomorrow, "pdf"), fault.Conflict, "used_already", ""},
		"begun by an act":       {use(tomorrow.AddDays(30), "wallet"), fault.Conflict, "used_already", later.String()},
		"will begin by an act":  {use(tomorrow, "wallet"), fault.Conflict, "used_later", later.String()},
		"ended, and once more":  {unuse(tomorrow, saga, "wallet"), fault.Conflict, "not_used", ""},
		"one of two registers":  {unuse(tomorrow, []string{"pref-13", "pref-41"}, "wallet"), fault.Conflict, "not_used", ""},
		"today is soon enough":  {unuse(w.today(), saga, "pdf"), "", "", ""},
		"one of them is enough": {unuse(tomorrow, saga, "wallet", "pdf"), "", "", ""},
	} {
		_, err := w.desk.Preview(t.Context(), w.planner, x.p)
		var r *rollout.Refusal
		switch {
		case x.kind == "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &r) || !errors.Is(err, x.kind) || r.Key != "rollout.fault."+x.key || r.Act != x.act:
			t.Errorf("%s: got %v (%+v), want %s %s of act %q", name, err, r, x.kind, x.key, x.act)
		}
	}
	if later == ended {
		t.Error("one act")
	}
}

// TestFunctionsInTheDatabase: it takes no act without functions that is about them, none that names others, and shows approved
// acts alone to those who serve wallets and verifiers.
func TestFunctionsInTheDatabase(t *testing.T) {
	w := newWorld(t)
	insert := func(kind string, functions []string) error {
		return w.desk.DB.InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `insert into rollout_act (id, kind, qualification_id, bodies, procedures, channel, functions, effective_on, reason,
				prior_state, state, proposed_by, proposed_body, proposed_at)
				values ($1, $2, 'local', '{pref-41}', '{}', '', $3, $4, '見直し', 'proposed', 'proposed', $5, 'mhlw', now())`,
				pg.NewID(), kind, functions, w.today(), w.planner.Staff.ID)
			return err
		})
	}
	for name, err := range map[string]error{"none": insert("unuse", []string{}), "unknown": insert("use", []string{"party"}), "of a closing": insert("close", []string{"pdf"})} {
		if !pg.Violates(err, "rollout_act_functions") {
			t.Errorf("%s: %v", name, err)
		}
	}
	count := func(role string) (n int) {
		t.Helper()
		if err := w.DB.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			return tx.QueryRow(t.Context(), `select count(*) from rollout_act`).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	id := w.propose(t, unuse(w.today(), []string{"pref-41"}, "pdf"))
	if n := count(pg.RoleIssuance) + count(pg.RoleRelying); n != 0 {
		t.Errorf("%d proposals are seen", n)
	}
	if err := w.desk.Decide(t.Context(), w.director, id, true, ""); err != nil {
		t.Fatal(err)
	}
	if count(pg.RoleIssuance) != 1 || count(pg.RoleRelying) != 1 {
		t.Error("an approved act is not seen")
	}
	for _, role := range []string{pg.RoleIssuance, pg.RoleRelying} {
		err := w.DB.As(role).Platform(t.Context(), func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `delete from rollout_act`)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s deletes acts: %v", role, err)
		}
	}
}
