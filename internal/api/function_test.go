package api_test

import (
	"akashi/internal/format/formattest"
	"errors"
	"net/http"
	"strings"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/qualification"
)

// TestNothingForWallets: from the day on which a register ceases to give copies to wallets it is not in the metadata, nobody
// can offer, ask for authorization or consent, and a wallet with tokens is refused by name; also by a process that has not
// heard of the act. What wallets have got stays.
func TestNothingForWallets(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	ctx := t.Context()
	w := s.ready(t)
	standing := s.offered(t)
	uri := w.push(pushing())
	read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 200)
	s.Unuse(t, qualification.FunctionWallet)

	wants(t, "before hearing", w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 400, oauth.CredentialDenied, oauth.NotOffered)
	notOffered := func(what string, err error) {
		t.Helper()
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Conflict || f.Key != "fault.wallet_not_offered" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := s.Holder.Offer(ctx, s.Nurse, s.subject(t))
	notOffered("an offer before hearing", err)
	q, err := s.Holder.Asked(ctx, "https://wallet.example", uri)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Holder.Agree(ctx, s.Nurse, q, s.subject(t))
	notOffered("consent before hearing", err)

	s.Hear(t)
	_, err = s.Holder.Offer(ctx, s.Nurse, s.subject(t))
	notOffered("an offer", err)
	wants(t, "after hearing", w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 400, oauth.CredentialDenied, oauth.NotOffered)
	_, address, err := oauth.ParseLink(s.Holder.Link(*standing))
	if err != nil {
		t.Fatal(err)
	}
	wants(t, "an offer that stood", s.do(t, "GET", strings.TrimPrefix(address, "https://api.example"), ""), 400, oauth.CredentialDenied, oauth.NotOffered)
	wants(t, "a scope", w.post("/par", forms, pushing().Encode(), ""), 400, oauth.InvalidScope, oauth.ScopeUnknown)
	meta, err := oauth.ParseIssuerMetadata([]byte(s.do(t, "GET", "/.well-known/openid-credential-issuer/issuers/mhlw", "").Body), mhlw)
	if err != nil {
		t.Fatal(err)
	}
	for name := range meta.Configurations {
		if strings.HasPrefix(name, "kangoshi.") {
			t.Errorf("the metadata has %s", name)
		}
	}
	if len(meta.Configurations) == 0 {
		t.Error("the metadata has nothing of the ministry's other registers")
	}
	given, err := s.Holder.Given(ctx, s.Nurse, s.subject(t))
	if err != nil || len(given) != 2 || len(given[1].Responses) != 1 {
		t.Fatalf("given %+v, error %v", given, err)
	}
	if err := s.Holder.Withdraw(ctx, s.Nurse, given[1].Grant.RegisterID, given[1].Grant.ID); err != nil {
		t.Errorf("a wallet's access cannot be ended: %v", err)
	}
}

// TestDeferredUntilTheEnd: what was promised while a case was decided is not made after the register has ceased to give
// copies to wallets.
func TestDeferredUntilTheEnd(t *testing.T) {
	t.Parallel()
	world := casetest.New(t)
	public := world.InReview(t)
	s := serve(t, world, plenty)
	v, err := s.Desk.View(t.Context(), s.Nurse, public)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Holder.Offer(t.Context(), s.Nurse, issuance.Subject{RegisterID: v.Case.RegisterID, Case: v.Case.ID})
	if err != nil {
		t.Fatal(err)
	}
	w := newWallet(t, s)
	w.token(redeeming(w.fetch(s.Holder.Link(*m)), m.TxCode))
	waiting := read[oauth.CredentialAnswer](t, w.credential(asking(sdjwt, w.prove(formattest.Key(t), w.cNonce(), nil))), 202)
	s.Propose(t, public)
	s.Approve(t, public)
	s.Work(t)
	s.Unuse(t, qualification.FunctionWallet)
	for range 2 {
		a := w.post("/deferred", objects, `{"transaction_id":"`+waiting.Transaction+`"}`, w.dpop("/deferred", nil))
		wants(t, "deferred", a, http.StatusBadRequest, oauth.CredentialDenied, oauth.NotOffered)
		s.Hear(t)
	}
	var copies int
	if err := s.DB.Superuser().QueryRow(t.Context(), `select count(*) from credential_copy`).Scan(&copies); err != nil || copies != 0 {
		t.Errorf("%d copies, error %v", copies, err)
	}
}

// TestNoMoreWatches: a registered verifier that asks to be told of changes hears that the register does not do that.
func TestNoMoreWatches(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	key, _ := s.known(t)
	s.Unuse(t, qualification.FunctionWatch)
	body := `{"credential":"` + s.Code + `","purpose":"採用後の確認","until":"` + s.Today().AddDays(30).String() + `"}`
	s.do(t, "POST", "/v1/watches", body, append(bearer(key), "Content-Type", "application/json")...).problem(t, "a watch", http.StatusConflict, "does not tell verifiers of changes")
}
