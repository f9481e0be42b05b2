package resident_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"akashi/internal/calendar"
	"akashi/internal/clock"
	connector "akashi/internal/connector/resident"
	"akashi/internal/connector/wire"
	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
	"akashi/internal/govsim/gate"
	"akashi/internal/govsim/resident"
	"akashi/internal/govsim/simtest"
)

var now = time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST)

func people() []resident.Person {
	at := func(id, name string, state resident.State) resident.Person {
		return resident.Person{
			ID: id, Name: name, Kana: "カナ", BirthDate: "1998-04-01", Sex: "2", Address: "佐賀県佐賀市城内一丁目1番59号", State: state,
			Changes: []resident.Change{{On: "2024-05-01", Reason: "転居", Before: "佐賀県唐津市西城内1番1号"}},
		}
	}
	list := []resident.Person{
		at("1", "佐賀　花子", resident.Alive), at("2", "故人　太郎", resident.Deceased), at("3", "海外　太郎", resident.RemovedAbroad),
		at("4", "職権　太郎", resident.RemovedOther), at("5", "保護　花子", resident.Alive),
		at("6", "同名　花子", resident.Alive), at("7", "同名　花子", resident.Alive), at("8", "葛\U000E0100城　𠮷子", resident.Alive),
	}
	list[0].FormerName, list[4].Protected, list[7].CardNames = "唐津 花子", true, []string{"葛城　吉子"}
	return list
}

type world struct {
	sim    *resident.Server
	url    string
	caller simtest.Caller
	client *connector.Client
}

func start(t *testing.T) world {
	t.Helper()
	w := world{caller: simtest.NewCaller(t, "mhlw", clock.Fixed(now))}
	stranger := gate.Client{ID: "stranger", Key: &simtest.Key(t).PublicKey}
	w.url = simtest.Serve(t, func(url string) http.Handler {
		var err error
		w.sim, err = resident.New(resident.Config{Audience: url, Clients: []gate.Client{w.caller.Client, stranger}, People: people(), Clock: clock.Fixed(now)})
		if err != nil {
			t.Fatal(err)
		}
		return w.sim
	})
	var err error
	if w.client, err = connector.New(w.caller.Config(w.url)); err != nil {
		t.Fatal(err)
	}
	return w
}

func ask(id, name string) connector.Inquiry {
	return connector.Inquiry{
		RequestID: id, BusinessID: simtest.Business, Purpose: "看護師籍の登録の審査", Name: name,
		BirthDate: calendar.Date{Year: 1998, Month: 4, Day: 1}, Sex: "2", Address: "佐賀県佐賀市城内一丁目1番59号",
	}
}

func TestEveryClass(t *testing.T) {
	w := start(t)
	unlisted := ask("r-unlisted", "佐賀花子")
	unlisted.BusinessID = "0-0"
	otherAddress := ask("r-address", "佐賀花子")
	otherAddress.Address = "北海道札幌市中央区北三条西六丁目"
	noAddress := ask("r-no-address", "佐賀花子")
	noAddress.Address, noAddress.Sex = "", ""
	for _, c := range []struct {
		inquiry connector.Inquiry
		want    connector.Answer
	}{
		{ask("r1", "佐賀花子"), connector.Alive{}},
		{ask("r1b", "唐津花子"), connector.Alive{}},
		{ask("r2", "故人 太郎"), connector.Deceased{}},
		{ask("r3", "海外太郎"), connector.RemovedAbroad{}},
		{ask("r4", "職権太郎"), connector.RemovedOther{}},
		{ask("r5", "保護花子"), connector.Withheld{}},
		{ask("r6", "同名花子"), connector.Multiple{}},
		{ask("r7", "不在花子"), connector.None{}},
		{ask("r8", "葛城吉子"), connector.Alive{}},
		{ask("r9", "葛城𠮷子"), connector.Alive{}},
		{unlisted, connector.Refused{}},
		{otherAddress, connector.None{}},
		{noAddress, connector.Alive{}},
	} {
		result, err := w.client.Inquire(t.Context(), c.inquiry)
		if err != nil {
			t.Fatalf("%s: %v", c.inquiry.Name, err)
		}
		if reflect.TypeOf(result.Answer) != reflect.TypeOf(c.want) || !result.AnsweredAt.Equal(now) {
			t.Errorf("%s: got %#v, want %T", c.inquiry.Name, result, c.want)
		}
		again, err := w.client.Get(t.Context(), result.InquiryID)
		if err != nil || !reflect.DeepEqual(again, result) {
			t.Errorf("%s: read again %#v, %v", c.inquiry.Name, again, err)
		}
	}
}

func TestWhatAnAnswerTells(t *testing.T) {
	w := start(t)
	result, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子"))
	if err != nil {
		t.Fatal(err)
	}
	r, ok := connector.RecordOf(result.Answer)
	if !ok || r.Name != "佐賀　花子" || r.FormerName != "唐津 花子" || len(r.Changes) != 1 || r.Changes[0].Reason != "転居" {
		t.Errorf("got %+v", r)
	}
	result, err = w.client.Inquire(t.Context(), ask("r2", "保護花子"))
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := connector.RecordOf(result.Answer); r.Address != "" || len(r.Changes) != 0 || r.Name == "" {
		t.Errorf("a protected person's record: %+v", r)
	}
	result, err = w.client.Inquire(t.Context(), ask("r3", "同名花子"))
	if err != nil || result.Answer != (connector.Multiple{Candidates: 2}) {
		t.Errorf("got %#v, %v", result.Answer, err)
	}
	if _, ok := connector.RecordOf(result.Answer); ok {
		t.Error("candidates are told")
	}
}

func TestSameRequestSameAnswer(t *testing.T) {
	w := start(t)
	first, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子"))
	if err != nil {
		t.Fatal(err)
	}
	died := people()[0]
	died.State = resident.Deceased
	if err := w.sim.Put(died); err != nil {
		t.Fatal(err)
	}
	if again, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子")); err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("asked again: %#v, %v", again, err)
	}
	if later, err := w.client.Inquire(t.Context(), ask("r2", "佐賀花子")); err != nil || later.Answer.Class() != "match_deceased" {
		t.Errorf("asked anew: %#v, %v", later, err)
	}
	if _, err := w.client.Inquire(t.Context(), ask("r1", "別人花子")); !errors.Is(err, fault.Invalid) {
		t.Errorf("another question with the same id: %v, want invalid", err)
	}
}

func TestManyAtOnceAreOne(t *testing.T) {
	w := start(t)
	ids := make([]string, 50)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			result, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子"))
			if err != nil {
				t.Error(err)
			}
			ids[i] = result.InquiryID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal("one request id made two inquiries")
		}
	}
	if n := w.sim.Inquiries(); n != 1 {
		t.Errorf("%d inquiries, want 1", n)
	}
}

func TestFailuresBothWays(t *testing.T) {
	for _, c := range []struct {
		mode    fail.Mode
		count   int
		applied int // inquiries that the registry has after the failure
		fails   bool
	}{
		{fail.Fail, 1, 1, false}, {fail.FailAfter, 1, 1, false}, {fail.Drop, 1, 1, false}, {fail.DropAfter, 1, 1, false},
		{fail.Fail, 3, 0, true}, {fail.FailAfter, 3, 1, true}, {fail.Drop, 3, 0, true}, {fail.DropAfter, 3, 1, true},
	} {
		t.Run(fmt.Sprintf("%s %d", c.mode, c.count), func(t *testing.T) {
			w := start(t)
			if err := w.sim.Faults().Add(fail.Rule{Path: "/v1/inquiries", Mode: c.mode, Count: c.count}); err != nil {
				t.Fatal(err)
			}
			_, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子"))
			if c.fails && !errors.Is(err, fault.Upstream) || !c.fails && err != nil {
				t.Fatalf("got %v", err)
			}
			if n := w.sim.Inquiries(); n != c.applied {
				t.Errorf("%d inquiries at the registry, want %d", n, c.applied)
			}
			if _, err := w.client.Inquire(t.Context(), ask("r1", "佐賀花子")); err != nil {
				t.Errorf("repeated: %v", err)
			}
			if n := w.sim.Inquiries(); n != 1 {
				t.Errorf("%d inquiries in the end, want 1", n)
			}
		})
	}
}

func TestAnotherClientsInquiry(t *testing.T) {
	w := start(t)
	if _, err := w.client.Get(t.Context(), "no-such"); !errors.Is(err, fault.NotFound) {
		t.Errorf("unknown id: %v, want not_found", err)
	}
	config := w.caller.Config(w.url)
	config.Key = simtest.Key(t)
	imposter, err := connector.New(config)
	if err != nil {
		t.Fatal(err)
	}
	var refusal *wire.Refusal
	if _, err := imposter.Inquire(t.Context(), ask("r1", "佐賀花子")); !errors.As(err, &refusal) || refusal.Code != "invalid_client" {
		t.Errorf("with another key: %v, want invalid_client", err)
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	record := `"record":{"name":"佐賀花子","birth_date":"1998-04-01","sex":"2"%s}`
	head := `{"inquiry_id":"i","request_id":"r1","answered_at":"2026-12-01T09:00:00+09:00",`
	for _, c := range []struct{ name, body, want string }{
		{"not JSON", `<html>`, "reading the answer"},
		{"no id", `{"class":"none"}`, "no id"},
		{"new class", head + `"class":"match_moved",` + fmt.Sprintf(record, "") + `}`, "is unknown"},
		{"no record", head + `"class":"match_alive"}`, "no record"},
		{"no such day", head + `"class":"match_alive","record":{"name":"a","birth_date":"1998-02-30"}}`, "no birth date"},
		{"change without a day", head + `"class":"match_alive",` + fmt.Sprintf(record, `,"changes":[{"on":""}]`) + `}`, "a change"},
		{"another request", strings.Replace(head, "r1", "r2", 1) + `"class":"none"}`, "another request"},
		{"too long", head + `"x":"` + strings.Repeat("x", 1<<20) + `"}`, "too long"},
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
