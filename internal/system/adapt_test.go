package system

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/blob"
	"akashi/internal/calendar"
	"akashi/internal/clock"
	"akashi/internal/connector/family"
	provider "akashi/internal/connector/payment"
	"akashi/internal/connector/resident"
	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
	simfamily "akashi/internal/govsim/family"
	"akashi/internal/govsim/gate"
	simpayment "akashi/internal/govsim/payment"
	simresident "akashi/internal/govsim/resident"
	"akashi/internal/govsim/simtest"
	"akashi/internal/job"
	"akashi/internal/payment"
	"akashi/internal/person"
	"akashi/internal/qualification"
)

func december() *clock.Adjustable {
	c := &clock.Adjustable{}
	c.Set(time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST))
	return c
}

func question(family, given string) application.Question {
	return application.Question{RequestID: uuid.New(), Business: simtest.Business, Purpose: "procedure", Particulars: person.Particulars{
		Name: person.Name{Family: family, Given: given}, BirthDate: calendar.Date{Year: 2003, Month: 4, Day: 12}, Sex: person.Female, Address: "東京都千代田区見本町1"}}
}

// What the registries answer arrives in the keys that definitions use, classes as they came, and nothing that was not said.
func TestRegistriesAsTheStagesSeeThem(t *testing.T) {
	c := december()
	caller := simtest.NewCaller(t, "akashi", c)
	someone := func(id, given string) simresident.Person {
		return simresident.Person{ID: id, Name: "見本　" + given, Kana: "ミホン　ハナコ", Address: "東京都千代田区見本町1", BirthDate: "2003-04-12", Sex: "2", State: simresident.Alive}
	}
	people := []simresident.Person{someone("1", "花子"), someone("2", "守"), someone("3", "昭子")}
	people[0].FormerName, people[1].Protected, people[2].State = "旧姓　花子", true, simresident.Deceased
	at := simtest.Serve(t, func(url string) http.Handler {
		s, err := simresident.New(simresident.Config{Audience: url, Clients: []gate.Client{caller.Client}, People: people, Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	client, err := resident.New(caller.Config(at))
	if err != nil {
		t.Fatal(err)
	}
	full := map[string]string{"name": "見本　花子", "kana": "ミホン　ハナコ", "former_name": "旧姓　花子", "birth_date": "2003-04-12", "sex": "2", "address": "東京都千代田区見本町1"}
	for given, want := range map[string]struct {
		class   string
		lacks   []string
		nothing bool
	}{"花子": {class: "match_alive"}, "守": {class: "withheld", lacks: []string{"address", "former_name"}},
		"昭子": {class: "match_deceased", lacks: []string{"former_name"}}, "誰": {class: "none", nothing: true}} {
		reply, err := askResident(client)(t.Context(), question("見本", given))
		if err != nil || reply.Class != want.class || reply.Source == "" || reply.At.IsZero() {
			t.Fatalf("%s: %+v, %v", given, reply, err)
		}
		expected := map[string]string{}
		if !want.nothing {
			maps.Copy(expected, full)
			expected["name"] = "見本　" + given
		}
		for _, k := range want.lacks {
			delete(expected, k)
		}
		if !maps.Equal(reply.Record, expected) {
			t.Errorf("%s: %v, want %v", given, reply.Record, expected)
		}
	}
}

func TestFamilyRegisterAsTheStagesSeeIt(t *testing.T) {
	c := december()
	caller := simtest.NewCaller(t, "akashi", c)
	someone := func(given string, class simfamily.Class) simfamily.Person {
		return simfamily.Person{ID: given, BirthDate: "2003-04-12", Sex: "2", Class: class, Names: []simfamily.NameEntry{{Name: "見本　" + given}},
			Domiciles: []simfamily.Domicile{{Prefecture: "41", Name: "佐賀県"}}}
	}
	people := []simfamily.Person{someone("花子", simfamily.Determined), someone("順子", simfamily.UnknownOrder), someone("誤子", simfamily.Errored), someone("遅子", simfamily.Determined)}
	people[2].ErrorCode, people[3].Delay = "E1", 24*time.Hour
	at := simtest.Serve(t, func(url string) http.Handler {
		s, err := simfamily.New(simfamily.Config{Audience: url, Clients: []gate.Client{caller.Client}, People: people, Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
	client, err := family.New(caller.Config(at))
	if err != nil {
		t.Fatal(err)
	}
	ask := askFamily(client)
	if r, err := ask(t.Context(), question("見本", "花子")); err != nil || r.Class != "determined" || r.Record["domicile"] != "41" || r.Record["name"] != "見本　花子" {
		t.Errorf("determined: %+v, %v", r, err)
	}
	if r, err := ask(t.Context(), question("見本", "順子")); err != nil || r.Class != "partly_unknown_order" || r.Record["domicile"] != "" {
		t.Errorf("undecidable: %+v, %v", r, err)
	}
	if r, err := ask(t.Context(), question("見本", "誰")); err != nil || r.Class != "none" || len(r.Record) != 0 {
		t.Errorf("nobody: %+v, %v", r, err)
	}
	if _, err := ask(t.Context(), question("見本", "誤子")); !errors.Is(err, fault.Upstream) {
		t.Errorf("an error of the register: %v, want upstream", err)
	}
	late := question("見本", "遅子")
	if _, err := ask(t.Context(), late); !job.Snoozed(err) {
		t.Errorf("an answer that takes its time: %v, want a postponed job", err)
	}
	c.Advance(25 * time.Hour)
	if r, err := ask(t.Context(), late); err != nil || r.Class != "determined" {
		t.Errorf("asked again in time: %+v, %v", r, err)
	}
}

// The provider through the adapter: the same order once, states in our words, a cancellation that comes too late, the
// whole amount back once.
func TestProviderAsTheStageSeesIt(t *testing.T) {
	c := december()
	caller := simtest.NewCaller(t, "akashi", c)
	events := make(chan payment.Event, 10)
	var desk *cashdesk
	callback := simtest.Serve(t, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			e, err := desk.event(r.Context(), body, r.Header)
			if err != nil {
				t.Error(err)
			}
			events <- e
		})
	})
	var sim *simpayment.Server
	at := simtest.Serve(t, func(url string) http.Handler {
		var err error
		if sim, err = simpayment.New(simpayment.Config{BaseURL: url, Clients: []gate.Client{caller.Client}, Clock: c}); err != nil {
			t.Fatal(err)
		}
		return sim
	})
	t.Cleanup(sim.Close)
	client, err := provider.New(caller.Config(at))
	if err != nil {
		t.Fatal(err)
	}
	cat, err := Definitions()
	if err != nil {
		t.Fatal(err)
	}
	desk = &cashdesk{client: client, catalogue: cat, callback: callback}
	order := payment.ProviderOrder{Key: "KGMH-1", Total: 19050, ReturnURL: "http://127.0.0.1:1/paid", Lang: "ja", Lines: []payment.Line{
		{ID: "tax", Kind: qualification.FeeTax, Collector: "treasury", Amount: 15000}, {ID: "fee", Kind: qualification.FeeFee, Collector: "sssc", Amount: 4050}}}
	hosted, err := desk.Create(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := desk.Create(t.Context(), order); err != nil || again != hosted {
		t.Errorf("ordered again: %+v, %v", again, err)
	}
	status(t, desk, hosted.ID, payment.StatusOpen)
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).PostForm(hosted.PayURL, url.Values{"method": {"card"}, "outcome": {"paid"}})
	if err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	for _, want := range []payment.Status{payment.StatusPaid, payment.StatusPaid} { // started reports the order as it was charged
		if e := <-events; e.Order != "KGMH-1" || e.ID == "" || e.Source != "callback" || (e.Status != want && e.Status != payment.StatusOpen) {
			t.Errorf("callback: %+v", e)
		}
	}
	status(t, desk, hosted.ID, payment.StatusPaid)
	if s, err := desk.Cancel(t.Context(), hosted.ID); err != nil || s != payment.StatusPaid {
		t.Errorf("cancelling a paid order: %s, %v", s, err)
	}
	for range 2 {
		if err := desk.Refund(t.Context(), hosted.ID, "KGMH-1"); err != nil {
			t.Fatal(err)
		}
	}
	status(t, desk, hosted.ID, payment.StatusRefunded)
	other, err := desk.Create(t.Context(), payment.ProviderOrder{Key: "KGMH-2", Total: 100, ReturnURL: order.ReturnURL, Lang: "en", Lines: []payment.Line{{ID: "fee", Kind: qualification.FeeFee, Collector: "mhlw", Amount: 100}}})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := desk.Cancel(t.Context(), other.ID); err != nil || s != payment.StatusCancelled {
		t.Errorf("cancelling an open order: %s, %v", s, err)
	}
}

func status(t *testing.T, desk *cashdesk, id string, want payment.Status) {
	t.Helper()
	s, at, err := desk.Status(t.Context(), id)
	if err != nil || s != want || at.IsZero() != (want == payment.StatusOpen) {
		t.Errorf("status %s at %v, %v; want %s", s, at, err, want)
	}
}

// A card's signature is verified and packed so that it can be checked again; a revoked certificate is refused by name.
func TestSignatureAsTheStageSeesIt(t *testing.T) {
	c := december()
	authority, err := ca.New(ca.Config{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	card, err := authority.IssueSigning(ca.Card{ID: "1", Name: "見本　花子", Address: "東京都千代田区見本町1", BirthDate: "2003-04-12", Sex: "2", Prefecture: "Tokyo-to", City: "Chiyoda-ku"})
	if err != nil {
		t.Fatal(err)
	}
	v := &jpki.Verifier{CRLs: func(_ context.Context, p jpki.Point) ([]byte, error) { return authority.CRL(ca.Signing, p) }, Now: c.Now}
	v.Anchors = append(v.Anchors, authority.Anchor(ca.Signing))
	content := []byte("content")
	digest := sha256.Sum256(content)
	signature, err := rsa.SignPKCS1v15(nil, card.Key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	signed, err := verifySignature(v)(content, signature, card.Certificate, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s := signed.Signer; s.Name != "見本　花子" || s.BirthDate.String() != "2003-04-12" || s.Sex != "2" || s.Serial == "" {
		t.Errorf("the signer is %+v", s)
	}
	packed, err := cms.Parse(signed.CMS)
	if err != nil || string(packed.Signature) != string(signature) {
		t.Errorf("what is kept: %v", err)
	}
	if _, err := verifySignature(v)([]byte("other"), signature, card.Certificate, c.Now()); !errors.Is(err, jpki.BadSignature) {
		t.Errorf("other content: %v, want %s", err, jpki.BadSignature)
	}
	if err := authority.Revoke(ca.Signing, card.Certificate); err != nil {
		t.Fatal(err)
	}
	if _, err := verifySignature(v)(content, signature, card.Certificate, c.Now()); !errors.Is(err, jpki.Revoked) {
		t.Errorf("a revoked certificate: %v, want %s", err, jpki.Revoked)
	}
	if _, err := signerOf(jpki.Signer{Name: "x"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("no birth date: %v, want invalid", err)
	}
}

// The worker removes what a crash has left of an upload, and leaves alone what may still be arriving.
func TestLeftoversOfUploadsGo(t *testing.T) {
	dir := t.TempDir()
	files, err := blob.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	old, fresh := filepath.Join(dir, "tmp", "put-1"), filepath.Join(dir, "tmp", "put-2")
	for path, age := range map[string]time.Duration{old: 25 * time.Hour, fresh: time.Minute} {
		if err := os.WriteFile(path, []byte("half a document"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := clock.System{}.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := sweepLeftovers(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old one: %v, want that it does not exist", err)
	}
	if _, err := os.Stat(fresh); err != nil {
		t.Errorf("the fresh one: %v", err)
	}
}
