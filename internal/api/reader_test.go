package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/mdoc"
	format "akashi/internal/format/sdjwt"
	"akashi/internal/pg"
	"akashi/internal/presentation"
	"akashi/internal/server"
	"akashi/internal/verification"
	"akashi/internal/wallettest"
)

// reading is the API over a world with a credential, which asks wallets, and the nurse's wallet with the credential in both
// formats.
type reading struct {
	*service
	Reader *presentation.Reader
	Phone  *wallettest.Wallet
}

func startReading(t testing.TB) *reading {
	t.Helper()
	return startReadingAs(t, func(w *casetest.World, origin string) *presentation.Reader {
		return w.Asking(t, api.AnswerURL(origin), "https://check.example/wallet/result")
	})
}

// startReadingAs is startReading with another way to say who asks.
func startReadingAs(t testing.TB, asking func(w *casetest.World, origin string) *presentation.Reader) *reading {
	t.Helper()
	w := casetest.New(t)
	w.Registered(t)
	s := &service{World: w, log: &lockedBuffer{}}
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Verifier.Log = log
	mux := &later{}
	l, err := server.Listen(server.Config{Name: "api", Addr: "127.0.0.1:0", Handler: mux, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s.URL = l.URL()
	a := &reading{service: s, Reader: asking(w, s.URL), Phone: wallettest.New(t, w.Clock.Now)}
	mux.Handler, err = api.New(api.Config{Origin: s.URL, Log: log, Verifier: w.Verifier, Prove: prove(w), Receiver: w.Receiver, Rate: plenty, Reader: a.Reader,
		Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	key := &a.Phone.Key.PublicKey
	a.Phone.Held = []wallettest.Held{{Format: wallettest.FormatSDJWT, SDJWT: w.SDJWT(t, key)}, {Format: wallettest.FormatMDoc, MDoc: w.MDoc(t, key)}}
	return a
}

// later is a handler that is known once the address is.
type later struct{ http.Handler }

// only is the wallet with one of its credentials.
func (a *reading) only(i int) *wallettest.Wallet {
	w := *a.Phone
	w.Held = a.Phone.Held[i : i+1]
	return &w
}

func (a *reading) ask(t testing.TB, body string) (p api.Presentation) {
	t.Helper()
	got := a.do(t, "POST", "/v1/presentations", body, "Content-Type", "application/json")
	if got.StatusCode != http.StatusCreated {
		t.Fatalf("asking: %d %s", got.StatusCode, got.Body)
	}
	return readOne(t, got)
}

func (a *reading) look(t testing.TB, id string) api.Presentation {
	t.Helper()
	got := a.do(t, "GET", "/v1/presentations/"+id, "")
	if got.StatusCode != http.StatusOK {
		t.Fatalf("looking: %d %s", got.StatusCode, got.Body)
	}
	return readOne(t, got)
}

func readOne(t testing.TB, a answer) (p api.Presentation) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatalf("%s: %v", a.Body, err)
	}
	return p
}

// TestWalletsAreAsked: in both formats and both response modes, from the question to the result, and then once more.
func TestWalletsAreAsked(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	for i, kind := range []string{wallettest.FormatSDJWT, wallettest.FormatMDoc} {
		for _, mode := range []string{"direct_post.jwt", "direct_post"} {
			p := a.ask(t, `{"qualification":"kangoshi","response_mode":"`+mode+`"}`)
			if p.State != "waiting" || !strings.HasPrefix(p.WalletLink, "openid4vp://?client_id=x509_hash%3A") {
				t.Fatalf("asked: %+v", p)
			}
			r, err := a.only(i).Fetch(t.Context(), p.WalletLink)
			if err != nil {
				t.Fatalf("%s, %s: %v", kind, mode, err)
			}
			if r.ResponseMode != mode || r.Metadata.Name != "Akashi" {
				t.Errorf("the request is %+v", r)
			}
			shown, err := a.only(i).Show(r)
			if err != nil {
				t.Fatal(err)
			}
			named := []wallettest.Authority{{Type: "aki", Values: []string{base64.RawURLEncoding.EncodeToString(casetest.Anchor(t).SubjectKeyId)}}}
			for at, c := range r.Query.Credentials {
				if !reflect.DeepEqual(c.Authorities, named) {
					t.Errorf("authorities for %s: %v, want %v", c.Format, c.Authorities, named)
				}
				r.Query.Credentials[at].Authorities = []wallettest.Authority{{Type: "aki", Values: []string{"AAAA"}}}
			}
			if _, err := a.only(i).Show(r); !errors.Is(err, wallettest.ErrNothing) {
				t.Errorf("%s: shown to who trusts another authority: %v", kind, err)
			}
			reply, err := a.Phone.Send(t.Context(), r, shown)
			if err != nil || reply.RedirectURI != "" {
				t.Fatalf("%s, %s: %+v, %v", kind, mode, reply, err)
			}
			got := a.look(t, p.ID)
			if got.State != "answered" || got.Result == nil || got.Result.Verdict != "valid" || got.Result.Facts["UN"] != "見本　花子" || got.Result.Facts["CN"] != "看護師" {
				t.Fatalf("%s, %s: %+v", kind, mode, got)
			}
			if got.Result.Facts["UB"] != "" || got.WalletLink != "" {
				t.Errorf("the result has %+v", got)
			}
			var refused *wallettest.Refused
			if _, err := a.Phone.Send(t.Context(), r, shown); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, string(presentation.Used)) {
				t.Errorf("the same answer again: %v", err)
			}
		}
	}
	if log := a.log.String(); strings.Contains(log, "見本") || strings.Contains(log, "eyJ") {
		t.Errorf("the log says %s", log)
	}
}

// TestKnownByName: a verifier may name itself by its host (x509_san_dns), which stands in its certificate and is the host that
// wallets answer to; where it does not, nothing is asked. What was shown to the name does not answer the hash.
func TestKnownByName(t *testing.T) {
	t.Parallel()
	const home = "https://check.example/wallet/result"
	byName := func(names ...string) func(*casetest.World, string) *presentation.Reader {
		return func(w *casetest.World, origin string) *presentation.Reader {
			r, _ := w.AskingByName(t, api.AnswerURL(strings.Replace(origin, "127.0.0.1", "localhost", 1)), home, names...)
			return r
		}
	}
	a := startReadingAs(t, byName("verifier.example", "localhost"))
	for i := range a.Phone.Held {
		p := a.ask(t, `{}`)
		r, err := a.only(i).Fetch(t.Context(), p.WalletLink)
		if err != nil || r.ClientID != "x509_san_dns:localhost" {
			t.Fatalf("the request is %+v, %v", r, err)
		}
		bent := *r
		bent.ClientID = "x509_hash:" + strings.Repeat("A", 43)
		shown, err := a.only(i).Show(&bent)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{string(format.WrongAudience), string(mdoc.BadDeviceSignature)}[i]
		var refused *wallettest.Refused
		if _, err := a.Phone.Send(t.Context(), r, shown); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, `"`+want+`"`) {
			t.Errorf("shown to somebody else: %v, want %s", err, want)
		}
		if shown, err = a.only(i).Show(r); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Phone.Send(t.Context(), r, shown); err != nil {
			t.Fatal(err)
		}
		if got := a.look(t, p.ID); got.Result == nil || got.Result.Verdict != string(verification.Valid) {
			t.Errorf("credential %d: %+v", i, got)
		}
	}
	for _, names := range [][]string{nil, {"verifier.example"}, {"*.localhost"}, {"localhost.example"}} {
		b := startReadingAs(t, byName(names...))
		if _, err := b.Reader.Start(t.Context(), presentation.Question{}); !errors.Is(err, fault.Internal) {
			t.Errorf("with a certificate for %v: %v", names, err)
		}
	}
}

// TestWalletsRefuseOtherNames: a wallet answers nobody whose name is not the one in the link, the certificate and the address.
func TestWalletsRefuseOtherNames(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	p := a.ask(t, `{}`)
	u, err := url.Parse(p.WalletLink)
	if err != nil {
		t.Fatal(err)
	}
	for _, client := range []string{"x509_hash:" + strings.Repeat("A", 43), "x509_san_dns:127.0.0.1", "https://verifier.example"} {
		q := u.Query()
		q.Set("client_id", client)
		u.RawQuery = q.Encode()
		if _, err := a.Phone.Fetch(t.Context(), u.String()); err == nil || !strings.Contains(err.Error(), "another client than the link") {
			t.Errorf("a link of %s: %v", client, err)
		}
	}
}

// TestShownTwice: what answered one question answers no other, in either format, even of the same verifier.
func TestShownTwice(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	for i, want := range []string{string(format.WrongNonce), string(mdoc.BadDeviceSignature)} {
		first, second := a.ask(t, `{}`), a.ask(t, `{}`)
		r, err := a.only(i).Fetch(t.Context(), first.WalletLink)
		if err != nil {
			t.Fatal(err)
		}
		shown, err := a.only(i).Show(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Phone.Send(t.Context(), r, shown); err != nil {
			t.Fatal(err)
		}
		if r, err = a.only(i).Fetch(t.Context(), second.WalletLink); err != nil {
			t.Fatal(err)
		}
		var refused *wallettest.Refused
		if _, err := a.Phone.Send(t.Context(), r, shown); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, `"`+want+`"`) {
			t.Errorf("credential %d once more: %v, want %s", i, err, want)
		}
		if got := a.look(t, second.ID); got.State != "waiting" || got.Refusal != want {
			t.Errorf("the second question: %+v", got)
		}
	}
}

// TestStatusReachesWallets: what the register says of the entry is the result of both formats.
func TestStatusReachesWallets(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	for _, want := range []verification.Verdict{verification.Suspended, verification.Revoked} {
		if err := a.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
			_, err := tx.Exec(t.Context(), `update credential set prior_state = state, state = $1, status_at = $2`, string(want), tx.Now)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := range a.Phone.Held {
			p := a.ask(t, `{}`)
			if _, err := a.only(i).Present(t.Context(), p.WalletLink); err != nil {
				t.Fatal(err)
			}
			if got := a.look(t, p.ID); got.Result == nil || got.Result.Verdict != string(want) {
				t.Errorf("%s, credential %d: %+v", want, i, got)
			}
		}
	}
}

// TestOnOneDevice: the result is with whoever comes back with the response code, and not with whoever asked.
func TestOnOneDevice(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	asked, err := a.Reader.Start(t.Context(), presentation.Question{})
	if err != nil {
		t.Fatal(err)
	}
	view, err := a.Reader.View(t.Context(), asked.Token)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := a.Phone.Present(t.Context(), view.Links[presentation.Here])
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(reply.RedirectURI)
	if err != nil || u.Path != "/wallet/result" {
		t.Fatalf("back to %q: %v", reply.RedirectURI, err)
	}
	if view, err = a.Reader.View(t.Context(), asked.Token); err != nil || !view.Elsewhere || view.Result != nil {
		t.Errorf("whoever asked sees %+v, %v", view, err)
	}
	result, err := a.Reader.Result(t.Context(), u.Query().Get("response_code"))
	if err != nil || result.Verdict != verification.Valid {
		t.Errorf("the result is %+v, %v", result, err)
	}
	if _, err := a.Reader.Result(t.Context(), asked.Token); !errors.Is(err, presentation.Unknown) {
		t.Errorf("with another code: %v", err)
	}
}

// TestQuestionsEnd: when nobody answers, when the time of a result is over, and when the wallet declines.
func TestQuestionsEnd(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	worker := a.DB.As(pg.RoleWorker)
	p := a.ask(t, `{}`)
	r, err := a.Phone.Fetch(t.Context(), p.WalletLink)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Phone.Decline(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got := a.look(t, p.ID); got.State != "declined" || got.Result != nil {
		t.Errorf("declined: %+v", got)
	}
	p = a.ask(t, `{}`)
	if r, err = a.Phone.Fetch(t.Context(), p.WalletLink); err != nil {
		t.Fatal(err)
	}
	a.Clock.Set(a.Clock.Now().Add(presentation.Patience))
	if got := a.look(t, p.ID); got.State != "expired" || got.WalletLink != "" {
		t.Errorf("after its time: %+v", got)
	}
	shown, err := a.Phone.Show(r)
	if err != nil {
		t.Fatal(err)
	}
	var refused *wallettest.Refused
	if _, err := a.Phone.Send(t.Context(), r, shown); !errors.As(err, &refused) || refused.Status != 404 || !strings.Contains(refused.Body, string(presentation.Unknown)) {
		t.Errorf("answering after its time: %v", err)
	}
	if _, err := a.Phone.Fetch(t.Context(), p.WalletLink); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("fetching after its time: %v", err)
	}
	a.Clock.Set(a.Clock.Now().Add(presentation.Kept + time.Second))
	if got := a.do(t, "GET", "/v1/presentations/"+p.ID, ""); got.StatusCode != 404 {
		t.Errorf("long after: %d %s", got.StatusCode, got.Body)
	}
	if n, err := presentation.Sweep(t.Context(), worker); err != nil || n != 2 {
		t.Errorf("swept %d, %v", n, err)
	}
}

// TestAnswersThatAreRefused: each for its own reason. The question stays open, until too many answers were refused.
func TestAnswersThatAreRefused(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	stranger := wallettest.New(t, a.Clock.Now)
	name := []any{"name"}
	all := [][]any{}
	documents := [][]any{}
	for _, f := range presentation.KindsOf(a.Catalogue, casetest.Site).Facts {
		all, documents = append(all, f.SDJWT), append(documents, f.MDoc)
	}
	sd, md := a.Phone.Held[0], a.Phone.Held[1]
	as := func(w *wallettest.Wallet, id string, h wallettest.Held, change func(*wallettest.Request), paths ...[]any) func(*testing.T, *wallettest.Request) wallettest.Shown {
		return func(t *testing.T, r *wallettest.Request) wallettest.Shown {
			t.Helper()
			bent := *r
			if change != nil {
				change(&bent)
			}
			text, err := w.ShowAs(&bent, h, paths...)
			if err != nil {
				t.Fatal(err)
			}
			return wallettest.Shown{id: {text}}
		}
	}
	for _, c := range []struct {
		name string
		body string
		show func(*testing.T, *wallettest.Request) wallettest.Shown
		want string
	}{
		{"an SD-JWT for another question", `{}`, as(a.Phone, "sdjwt", sd, func(r *wallettest.Request) { r.Nonce = "another" }, all...), string(format.WrongNonce)},
		{"an SD-JWT for another verifier", `{}`, as(a.Phone, "sdjwt", sd, func(r *wallettest.Request) { r.ClientID = "x509_hash:another" }, all...), string(format.WrongAudience)},
		{"an SD-JWT shown by another", `{}`, as(stranger, "sdjwt", sd, nil, all...), string(jws.BadSignature)},
		{"an SD-JWT without the holder's answer", `{}`, func(*testing.T, *wallettest.Request) wallettest.Shown { return wallettest.Shown{"sdjwt": {sd.SDJWT}} }, string(format.NoBinding)},
		{"an SD-JWT with too little", `{}`, as(a.Phone, "sdjwt", sd, nil, name), string(presentation.MissingClaim)},
		{"a document for another question", `{}`, as(a.Phone, "mdoc", md, func(r *wallettest.Request) { r.Nonce = "another" }, documents...), string(mdoc.BadDeviceSignature)},
		{"a document for another address", `{}`, as(a.Phone, "mdoc", md, func(r *wallettest.Request) { r.ResponseURI += "x" }, documents...), string(mdoc.BadDeviceSignature)},
		{"a document for another key", `{}`, as(a.Phone, "mdoc", md, func(r *wallettest.Request) { r.ResponseMode = "direct_post" }, documents...), string(mdoc.BadDeviceSignature)},
		{"a document shown by another", `{}`, as(stranger, "mdoc", md, nil, documents...), string(mdoc.BadDeviceSignature)},
		{"a document with too little", `{}`, as(a.Phone, "mdoc", md, nil, documents[0]), string(presentation.MissingClaim)},
		{"a document that is an SD-JWT", `{}`, as(a.Phone, "mdoc", sd, nil, all...), string(presentation.Malformed)},
		{"an SD-JWT that is a document", `{}`, as(a.Phone, "sdjwt", md, nil, documents...), string(format.Malformed)},
		{"another qualification, as SD-JWT", `{"qualification":"yakuzaishi"}`, as(a.Phone, "sdjwt", sd, nil, all...), string(presentation.WrongType)},
		{"another qualification, as a document", `{"qualification":"yakuzaishi"}`, as(a.Phone, "mdoc", md, nil, documents...), string(presentation.WrongValue)},
		{"what was not asked", `{}`, as(a.Phone, "passport", md, nil, documents...), string(presentation.NotAsked)},
		{"nothing", `{}`, func(*testing.T, *wallettest.Request) wallettest.Shown { return wallettest.Shown{} }, string(presentation.NothingShown)},
		{"both", `{}`, func(t *testing.T, r *wallettest.Request) wallettest.Shown {
			both := as(a.Phone, "sdjwt", sd, nil, all...)(t, r)
			both["mdoc"] = as(a.Phone, "mdoc", md, nil, documents...)(t, r)["mdoc"]
			return both
		}, string(presentation.NotAsked)},
		{"two at once", `{}`, func(t *testing.T, r *wallettest.Request) wallettest.Shown {
			one := as(a.Phone, "sdjwt", sd, nil, all...)(t, r)["sdjwt"]
			return wallettest.Shown{"sdjwt": append(one, one...)}
		}, string(presentation.Malformed)},
	} {
		p := a.ask(t, c.body)
		r, err := a.Phone.Fetch(t.Context(), p.WalletLink)
		if err != nil {
			t.Fatal(err)
		}
		var refused *wallettest.Refused
		if _, err := a.Phone.Send(t.Context(), r, c.show(t, r)); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, `"`+c.want+`"`) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
		if got := a.look(t, p.ID); got.State != "waiting" || got.Refusal != c.want {
			t.Errorf("%s: then %+v", c.name, got)
		}
	}
}

// TestMessagesThatAreRefused: answers that are wrong before anything in them is looked at.
func TestMessagesThatAreRefused(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	other := a.ask(t, `{}`)
	foreign, err := a.Phone.Fetch(t.Context(), other.WalletLink)
	if err != nil {
		t.Fatal(err)
	}
	p := a.ask(t, `{}`)
	r, err := a.Phone.Fetch(t.Context(), p.WalletLink)
	if err != nil {
		t.Fatal(err)
	}
	sealed := func(r *wallettest.Request, members map[string]any) string {
		text, err := r.Encrypt(members)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	foreign.Metadata.Keys.Keys[0].KeyID = r.Metadata.Keys.Keys[0].KeyID
	for _, c := range []struct {
		name string
		form url.Values
		want presentation.Refusal
	}{
		{"in the clear", url.Values{"vp_token": {`{"sdjwt":["x"]}`}, "state": {r.State}}, presentation.NotEncrypted},
		{"for another question's key", url.Values{"response": {sealed(foreign, map[string]any{"vp_token": map[string]any{}, "state": r.State})}}, presentation.BadEncryption},
		{"with another state", url.Values{"response": {sealed(r, map[string]any{"vp_token": map[string]any{"sdjwt": []string{"x"}}, "state": "another"})}}, presentation.WrongState},
		{"without presentations", url.Values{"response": {sealed(r, map[string]any{"state": r.State})}}, presentation.Malformed},
		{"no JWE", url.Values{"response": {"a.b.c"}}, presentation.BadEncryption},
		{"too many by now", url.Values{"response": {"a.b.c"}}, presentation.TooMany},
	} {
		var refused *wallettest.Refused
		if _, err := a.Phone.Post(t.Context(), r.ResponseURI, c.form); !errors.As(err, &refused) || refused.Status != 400 || !strings.Contains(refused.Body, `"`+string(c.want)+`"`) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
	if got := a.look(t, p.ID); got.State != "expired" || got.Refusal != string(presentation.BadEncryption) || got.WalletLink != "" {
		t.Errorf("a question that takes no more answers: %+v", got)
	}
	for _, uri := range []string{strings.Replace(r.ResponseURI, "/cross", "/sideways", 1), a.URL + "/oid4vp/answer/nobody/cross"} {
		var refused *wallettest.Refused
		if _, err := a.Phone.Post(t.Context(), uri, url.Values{"error": {"access_denied"}}); !errors.As(err, &refused) || refused.Status != 404 {
			t.Errorf("%s: %v", uri, err)
		}
	}
	if got := a.do(t, "POST", "/v1/presentations", `{"qualification":"nothing"}`, "Content-Type", "application/json"); got.StatusCode != 422 {
		t.Errorf("asking for nothing: %d %s", got.StatusCode, got.Body)
	}
}

// TestForgeriesShowNothing: a credential that no register knows ends the question without a fact.
func TestForgeriesShowNothing(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	if err := a.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `update signing_key set distrusted_at = $1`, tx.Now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range a.Phone.Held {
		p := a.ask(t, `{}`)
		if _, err := a.only(i).Present(t.Context(), p.WalletLink); err != nil {
			t.Fatal(err)
		}
		if got := a.look(t, p.ID); got.Result == nil || got.Result.Verdict != string(verification.UnknownIssuer) || got.Result.Facts != nil {
			t.Errorf("credential %d of a distrusted key: %+v", i, got)
		}
	}
}
