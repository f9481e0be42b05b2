package family_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	connector "akashi/internal/connector/family"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/family"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/simtest"
)

var now = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

func people() []family.Person {
	at := func(id, name string, class family.Class) family.Person {
		return family.Person{
			ID: id, BirthDate: "1998-04-01", Sex: "2", Class: class,
			Names:     []family.NameEntry{{Name: "唐津　" + name, Reason: "出生"}, {Name: "佐賀　" + name, From: "2024-05-01", Reason: "婚姻"}},
			Domiciles: []family.Domicile{{Prefecture: "41", Name: "佐賀県", From: "1998-04-01"}, {Prefecture: "01", Name: "北海道", From: "2024-05-01"}},
		}
	}
	list := []family.Person{
		at("1", "花子", family.Determined), at("2", "順子", family.UnknownOrder), at("3", "古子", family.UnknownBeforeRecords),
		at("4", "誤子", family.Errored), at("5", "同子", family.Determined), at("6", "同子", family.Determined), at("7", "遅子", family.Determined),
	}
	list[2].KnownFrom, list[3].ErrorCode, list[6].Delay = "2004-03-01", "E204", time.Hour
	return list
}

type world struct {
	sim    *family.Server
	clock  *clock.Adjustable
	client *connector.Client
}

func start(t *testing.T) world {
	t.Helper()
	w := world{clock: &clock.Adjustable{}}
	w.clock.Set(now)
	caller := simtest.NewCaller(t, "mhlw", w.clock)
	url := simtest.Serve(t, func(url string) http.Handler {
		var err error
		w.sim, err = family.New(family.Config{Audience: url, Clients: []gate.Client{caller.Client}, People: people(), Clock: w.clock})
		if err != nil {
			t.Fatal(err)
		}
		return w.sim
	})
	var err error
	if w.client, err = connector.New(caller.Config(url)); err != nil {
		t.Fatal(err)
	}
	return w
}

func ask(id, name string) connector.Inquiry {
	return connector.Inquiry{
		RequestID: id, BusinessID: simtest.Business, Purpose: "看護師籍の登録の審査", Name: name,
		BirthDate: calendar.Date{Year: 1998, Month: 4, Day: 1}, Sex: "2",
	}
}

func TestEveryClass(t *testing.T) {
	w := start(t)
	unlisted := ask("r-unlisted", "佐賀花子")
	unlisted.BusinessID = "0-0"
	hokkaido := connector.Domicile{Prefecture: "01", Name: "北海道", From: calendar.Date{Year: 2024, Month: 5, Day: 1}}
	for _, c := range []struct {
		inquiry connector.Inquiry
		class   string
		check   func(connector.Answer) bool
	}{
		{ask("r1", "佐賀花子"), "determined", func(a connector.Answer) bool {
			d := a.(connector.Determined)
			return d.Domicile == hokkaido && len(d.Names) == 2 && d.Names[1].Reason == "婚姻" && d.Name == "佐賀　花子"
		}},
		{ask("r1b", "唐津花子"), "determined", func(a connector.Answer) bool { return a.(connector.Determined).Domicile == hokkaido }},
		{ask("r2", "佐賀順子"), "partly_unknown_order", func(a connector.Answer) bool {
			u := a.(connector.UnknownOrder)
			return len(u.Domiciles) == 2 && u.Domiciles[0].From.IsZero() && u.Domiciles[1].From.IsZero()
		}},
		{ask("r3", "佐賀古子"), "partly_unknown_before_computerisation", func(a connector.Answer) bool {
			return a.(connector.UnknownBeforeRecords).KnownFrom == calendar.Date{Year: 2004, Month: 3, Day: 1}
		}},
		{ask("r4", "佐賀誤子"), "error", func(a connector.Answer) bool { return a == connector.Errored{Code: "E204"} }},
		{ask("r5", "佐賀同子"), "multiple", func(a connector.Answer) bool { return a == connector.Multiple{Candidates: 2} }},
		{ask("r6", "佐賀不在"), "none", func(a connector.Answer) bool { return a == connector.None{} }},
		{ask("r7", "佐賀遅子"), "pending", func(a connector.Answer) bool { return a.(connector.Pending).After > 59*time.Minute }},
		{unlisted, "refused", func(a connector.Answer) bool { return a == connector.Refused{} }},
	} {
		result, err := w.client.Inquire(t.Context(), c.inquiry)
		if err != nil {
			t.Fatalf("%s: %v", c.inquiry.Name, err)
		}
		if result.Answer.Class() != c.class || !c.check(result.Answer) {
			t.Errorf("%s: got %#v, want %s", c.inquiry.Name, result.Answer, c.class)
		}
		_, has := connector.RecordOf(result.Answer)
		if want := c.class == "determined" || strings.HasPrefix(c.class, "partly"); has != want {
			t.Errorf("%s: carries a record: %v", c.inquiry.Name, has)
		}
	}
}

func TestAnswerThatTakesItsTime(t *testing.T) {
	w := start(t)
	pending, err := w.client.Inquire(t.Context(), ask("r1", "佐賀遅子"))
	if err != nil || pending.Answer.Class() != "pending" || !pending.AnsweredAt.IsZero() {
		t.Fatalf("asked: %#v, %v", pending, err)
	}
	w.clock.Advance(30 * time.Minute)
	if early, err := w.client.Get(t.Context(), pending.InquiryID); err != nil || early.Answer.Class() != "pending" {
		t.Fatalf("too early: %#v, %v", early, err)
	}
	w.clock.Advance(31 * time.Minute)
	ready, err := w.client.Get(t.Context(), pending.InquiryID)
	if err != nil || ready.Answer.Class() != "determined" || ready.RequestID != "r1" || ready.AnsweredAt.IsZero() {
		t.Fatalf("in time: %#v, %v", ready, err)
	}
	if again, err := w.client.Inquire(t.Context(), ask("r1", "佐賀遅子")); err != nil || !reflect.DeepEqual(again, ready) {
		t.Errorf("asked again: %#v, %v", again, err)
	}
	if n := w.sim.Inquiries(); n != 1 {
		t.Errorf("%d inquiries, want 1", n)
	}
}

func TestFailuresBothWays(t *testing.T) {
	for _, c := range []struct {
		mode    fail.Mode
		applied int
	}{{fail.Fail, 0}, {fail.FailAfter, 1}, {fail.Drop, 0}, {fail.DropAfter, 1}} {
		t.Run(string(c.mode), func(t *testing.T) {
			w := start(t)
			if err := w.sim.Faults().Add(fail.Rule{Method: "POST", Path: "/v1/*", Mode: c.mode, Count: 3}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子")); !errors.Is(err, fault.Upstream) {
				t.Fatalf("got %v, want upstream", err)
			}
			if n := w.sim.Inquiries(); n != c.applied {
				t.Errorf("%d inquiries after the failure, want %d", n, c.applied)
			}
			if result, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子")); err != nil || result.Answer.Class() != "determined" {
				t.Errorf("repeated: %#v, %v", result, err)
			}
			if n := w.sim.Inquiries(); n != 1 {
				t.Errorf("%d inquiries in the end, want 1", n)
			}
			if _, err := w.client.Inquire(t.Context(), ask("r1", "佐賀順子")); !errors.Is(err, fault.Invalid) {
				t.Errorf("another question with the same id: %v, want invalid", err)
			}
		})
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	head := `{"inquiry_id":"i","request_id":"r1","answered_at":"2026-12-01T09:00:00+09:00",`
	record := `"record":{"name":"佐賀花子","birth_date":"1998-04-01"%s}}`
	for _, c := range []struct{ name, body, want string }{
		{"no id", `{"status":"answered"}`, "no id"},
		{"new status", head + `"status":"thinking"}`, "the status"},
		{"new class", head + `"status":"answered","class":"probable"}`, "is unknown"},
		{"no record", head + `"status":"answered","class":"determined"}`, "no record"},
		{"determined without domicile", head + `"status":"answered","class":"determined",` + fmt.Sprintf(record, ""), "is missing"},
		{"prefecture", head + `"status":"answered","class":"partly_unknown_order",` + fmt.Sprintf(record, `,"domiciles":[{"prefecture":"1"}]`), "prefecture"},
		{"date", head + `"status":"answered","class":"partly_unknown_order",` + fmt.Sprintf(record, `,"names":[{"name":"a","from":"昭和"}]`), "no date"},
		{"another request", strings.Replace(head, "r1", "r2", 1) + `"status":"answered","class":"none"}`, "another request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := simtest.Serve(t, func(string) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, c.body) })
			})
			client, err := connector.New(simtest.NewCaller(t, "mhlw", clock.Fixed(now)).Config(url))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Inquire(t.Context(), ask("r1", "佐賀花子")); !errors.Is(err, fault.Upstream) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want upstream: %s", err, c.want)
			}
		})
	}
}
