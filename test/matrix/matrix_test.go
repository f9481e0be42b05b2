package matrix

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"akashi/internal/audit"
)

func TestCitizens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table := covers(t, w.citizen, citizenTable())
	somebody := w.officerAs(t, w.Reviewer.Staff.Subject)
	for _, route := range w.citizen.routes {
		want := table[route].want
		w.try(t, w.citizen, "nobody", route, table[route].form, unless(want, login), func() *visitor { return newVisitor(t, w.citizen.url) })
		w.try(t, w.citizen, "an officer's session", route, table[route].form, unless(want, login), func() *visitor { return borrowed(t, w.citizen, somebody) })
		w.try(t, w.citizen, "another citizen", route, table[route].form, want, func() *visitor { return w.citizenAs(t, stranger) })
	}
}

// Documents of others do not come by way of one's own case either.
func TestOwnCaseOthersDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.citizenAs(t, stranger)
	for _, other := range w.victims {
		w.expect(t, v, request{"GET", "/applications/" + w.own.public + "/uploads/" + other.upload.String(), nil}, hidden, w.own)
		w.expect(t, v, request{"POST", "/applications/" + w.own.public + "/documents/medical_certificate", form("action", "remove:"+other.upload.String())}, hidden, w.own)
	}
}

func TestOffices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	table := covers(t, w.office, officeTable())
	somebody := w.citizenAs(t, "victim-a")
	for _, route := range w.office.routes {
		l := table[route]
		w.try(t, w.office, "nobody", route, l.form, unless(l.want, login), func() *visitor { return newVisitor(t, w.office.url) })
		w.try(t, w.office, "a citizen's session", route, l.form, unless(l.want, login), func() *visitor { return borrowed(t, w.office, somebody) })
		for subject := range staff() {
			want := l.want
			switch {
			case subject == "forwarding" && l.small != "":
				want = l.small
			case subject == "intake" && l.here != "":
				want = l.here
			}
			w.try(t, w.office, subject, route, l.form, want, func() *visitor { return w.officerAs(t, subject) })
		}
	}
}

func TestPublicAndAPI(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for s, table := range map[*site]map[string]line{&w.public: publicTable(), &w.api: apiTable()} {
		covers(t, *s, table)
		for _, route := range s.routes {
			w.try(t, *s, "anybody", route, table[route].form, table[route].want, func() *visitor { return newVisitor(t, s.url) })
		}
	}
}

// What another site makes a browser send changes nothing, even where the visitor may do it.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	browsers := map[*site][]*visitor{&w.citizen: nil, &w.office: nil}
	for i := range w.victims {
		browsers[&w.citizen] = append(browsers[&w.citizen], w.citizenAs(t, "victim-"+string(rune('a'+i))))
	}
	for _, s := range []string{w.Reviewer.Staff.Subject, w.Approver.Staff.Subject, w.Keeper.Staff.Subject} {
		browsers[&w.office] = append(browsers[&w.office], w.officerAs(t, s))
	}
	tables := map[string]map[string]line{"citizen": citizenTable(), "office": officeTable()}
	for s, visitors := range browsers {
		for _, route := range s.routes {
			for _, r := range w.requests(route, tables[s.name][route].form, w.victims) {
				if r.method != http.MethodPost {
					continue
				}
				before, _ := w.changes(t)
				for _, v := range visitors {
					if a := v.send(r.method, r.path, r.form, "cross-site"); a.status != http.StatusForbidden {
						t.Errorf("%s %s from another site: %d", r.method, r.path, a.status)
					}
				}
				if after, _ := w.changes(t); after != before {
					t.Errorf("%s %s from another site changed the database", r.method, r.path)
				}
			}
		}
	}
}

// covers compares a table with a portal's routes.
func covers(t *testing.T, s site, table map[string]line) map[string]line {
	t.Helper()
	if len(s.routes) == 0 {
		t.Fatalf("the portal %s has no routes", s.name)
	}
	for _, route := range s.routes {
		if _, there := table[route]; !there {
			t.Errorf("the route %q of the portal %s has no line in the matrix: say what becomes of it for others", route, s.name)
		}
	}
	for route := range table {
		if !slices.Contains(s.routes, route) {
			t.Errorf("the matrix has a line for %q, which the portal %s does not serve", route, s.name)
		}
	}
	return table
}

// unless is what becomes of a route for whoever is not logged in.
func unless(want, otherwise outcome) outcome {
	if want == open || want == misfit || want == absent {
		return want
	}
	return otherwise
}

// request is one thing to try.
type request struct {
	method, path string
	form         url.Values
}

// requests fills in a route's ids with those of each of the victims.
func (w *world) requests(route string, form url.Values, victims []victim) (out []request) {
	method, path, both := strings.Cut(route, " ")
	if !both {
		method, path = http.MethodGet, route+"nowhere"
		if route != "/" {
			method, path = http.MethodPatch, route
		}
	}
	for _, v := range victims {
		fill := strings.NewReplacer("{$}", "", "{id}", v.public, "{group}", "contact", "{evidence}", "medical_certificate", "{upload}", v.upload.String(), "{copy}", v.upload.String(),
			"{document}", v.upload.String(), "{round}", "1", "{register}", "kangoshi.mhlw", "{procedure}", "registration", "{qualification}", "kangoshi",
			"{entry}", w.entry.String(), "{watch}", w.watch.String(), "{act}", w.act.String(), "{text}", w.text.String(), "{offer}", w.offer.String(), "{registrar}", "mhlw", "{kind}", "suspend", "{case}", v.id.String())
		filled := url.Values{}
		for name, values := range form {
			for _, value := range values {
				filled.Add(name, fill.Replace(value))
			}
		}
		r := request{method, fill.Replace(path), filled}
		if !slices.ContainsFunc(out, func(o request) bool { return o.path == r.path && o.form.Encode() == r.form.Encode() }) {
			out = append(out, r)
		}
	}
	return out
}

// try sends a route with every victim's ids, and by the other method, which has no route.
func (w *world) try(t *testing.T, s site, who, route string, form url.Values, want outcome, browser func() *visitor) {
	t.Run(s.name+"/"+who+"/"+route, func(t *testing.T) {
		v := browser()
		v.t = t
		for i, r := range w.requests(route, form, w.victims) {
			w.expect(t, v, r, want, w.victims[i])
			if other := map[string]string{"GET": "POST", "POST": "GET"}[r.method]; other != "" && !slices.Contains(s.routes, other+" "+strings.TrimPrefix(route, r.method+" ")) {
				w.expect(t, v, request{other, r.path, r.form}, absent, w.victims[i])
			}
		}
	})
}

// expect sends one request and judges what became of it.
func (w *world) expect(t *testing.T, v *visitor, r request, want outcome, about victim) {
	t.Helper()
	v.t = t
	if strings.Contains(r.path, "/cases/") && about.unseen() && want != login && want != denied && want != absent {
		want = hidden // what was never handed in does not exist for any office
	}
	before, refusals := w.changes(t)
	a := v.send(r.method, r.path, r.form, "")
	if want == barred {
		want = conflict
		if a.status == http.StatusForbidden {
			want = denied
		}
	}
	did := fmt.Sprintf("%s %s", r.method, r.path)
	if why := want.judge(a); why != "" {
		t.Errorf("%s: %s (%d, to %q), want %s", did, why, a.status, a.to, want)
	}
	after, recorded := w.changes(t)
	if (after != before) != (want == acts) {
		t.Errorf("%s wrote %d rows, want some: %t", did, after-before, want == acts)
	}
	recorded -= refusals
	if must := want == hidden || want == denied || want == taken; must != (recorded > 0) || recorded > 1 {
		t.Errorf("%s left %d lines of a refusal in the log, want a line: %t", did, recorded, must)
	}
	if want != may && want != acts {
		w.silent(t, did+" "+r.form.Encode(), a)
	}
}

// judge tells what is wrong with an answer, "" when nothing is.
func (o outcome) judge(a answer) string {
	status := map[outcome]int{hidden: http.StatusNotFound, denied: http.StatusForbidden, taken: http.StatusConflict, conflict: http.StatusConflict, unsigned: http.StatusUnauthorized}
	switch o {
	case login:
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/login") {
			return "not led to the login"
		}
	case absent:
		if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
			return "there is such an address"
		}
	case unfit, misfit:
		if a.status < 400 || a.status >= 500 {
			return "not refused"
		}
	case open, own, may, acts:
		if a.status >= 400 || strings.HasPrefix(a.to, "/login?to=") {
			return "not answered"
		}
	default:
		if a.status != status[o] {
			return "another status"
		}
	}
	return ""
}

// silent fails the test if an answer shows anything of the others beyond what was asked with: the address stands in links to
// the same page in another language.
func (w *world) silent(t *testing.T, did string, a answer) {
	t.Helper()
	secrets := slices.Clone(w.secrets)
	for _, v := range w.victims {
		secrets = append(secrets, v.public, v.id.String(), v.upload.String())
	}
	for _, s := range secrets {
		if strings.Contains(a.body, s) && !strings.Contains(did, s) {
			t.Errorf("%s shows %q", did, s)
		}
	}
}

// watchWrites has the database count every row that is written to any table but the log, the sessions and the queue's own
// housekeeping. What is rolled back does not count.
func (w *world) watchWrites(t *testing.T) {
	t.Helper()
	_, err := w.DB.Superuser().Exec(t.Context(), `
		create schema watching;
		create table watching.written (place text not null);
		create function watching.write() returns trigger language plpgsql security definer as
			$$ begin insert into watching.written values (tg_table_name); return null; end $$;
		do $$
		declare place regclass;
		begin
			for place in select c.oid::regclass from pg_class c join pg_namespace n on n.oid = c.relnamespace
				 where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> 'session'
				   and c.relname not like 'audit\_%' and (c.relname not like 'river\_%' or c.relname = 'river_job')
			loop
				execute format('create trigger watching after insert or update or delete on %s for each row execute function watching.write()', place);
			end loop;
		end $$`)
	ok(t, err)
}

// changes counts the rows written so far and the refusals in the log.
func (w *world) changes(t *testing.T) (written, refusals int) {
	t.Helper()
	ok(t, w.DB.Superuser().QueryRow(t.Context(), `select (select count(*) from watching.written),
		(select count(*) from audit_event where act in ($1, $2))`, audit.PersonRefused, audit.StaffRefused).Scan(&written, &refusals))
	return written, refusals
}
