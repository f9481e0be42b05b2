package public_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/browser"
	"akashi/internal/portal/public"
	"akashi/internal/presentation"
	"akashi/internal/server"
	"akashi/internal/wallettest"
)

// asking is the verification page that asks wallets, with the API that wallets answer, and the nurse's wallet.
type asking struct {
	*site
	Phone *wallettest.Wallet
	links *presentation.Reader
}

func startAsking(t testing.TB) *asking {
	t.Helper()
	s := start(t, plenty)
	log := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	pages, machines := &later{}, &later{}
	page, err := server.Listen(server.Config{Name: "public", Addr: "127.0.0.1:0", Handler: pages, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	answers, err := server.Listen(server.Config{Name: "api", Addr: "127.0.0.1:0", Handler: machines, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s.URL = page.URL()
	reader := s.Asking(t, answers.URL()+"/oid4vp", s.URL+presentation.ReturnPath)
	if pages.Handler, err = public.New(public.Config{Origin: s.URL, Demo: true, Log: log, Verifier: s.Verifier, Rate: plenty, Wallets: reader}); err != nil {
		t.Fatal(err)
	}
	machines.Handler = walletSide(t, reader)
	serve(t, page)
	serve(t, answers)
	a := &asking{site: s, Phone: wallettest.New(t, s.Clock.Now), links: reader}
	key := &a.Phone.Key.PublicKey
	a.Phone.Held = []wallettest.Held{{Format: wallettest.FormatSDJWT, SDJWT: s.SDJWT(t, key)}, {Format: wallettest.FormatMDoc, MDoc: s.MDoc(t, key)}}
	return a
}

// walletSide answers wallets as the API does, which has tests of its own.
func walletSide(t testing.TB, reader *presentation.Reader) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oid4vp/request/{token}", func(w http.ResponseWriter, r *http.Request) {
		object, err := reader.Request(r.Context(), r.PathValue("token"), r.FormValue("wallet_nonce"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", presentation.MediaRequest)
		_, _ = io.WriteString(w, object)
	})
	mux.HandleFunc("POST /oid4vp/answer/{id}/{way}", func(w http.ResponseWriter, r *http.Request) {
		to, err := reader.Answer(r.Context(), uuid.MustParse(r.PathValue("id")), presentation.Way(r.PathValue("way")), presentation.Answer{
			Response: r.FormValue("response"), Error: r.FormValue("error"), State: r.FormValue("state")})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := json.NewEncoder(w).Encode(map[string]string{"redirect_uri": to}); err != nil {
			t.Error(err)
		}
	})
	return mux
}

// ask asks for any qualification and returns the page that waits, and its token.
func (a *asking) ask(t testing.TB, wanted string) (path, token string) {
	t.Helper()
	got := do(t, request(t, "POST", a.URL+"/wallet", "application/x-www-form-urlencoded", strings.NewReader("qualification="+wanted)))
	path = got.Header.Get("Location")
	if got.StatusCode != http.StatusSeeOther || !regexp.MustCompile(`^/wallet/[A-Za-z0-9_-]{43}$`).MatchString(path) {
		t.Fatalf("asking leads to %q (%d)", path, got.StatusCode)
	}
	return path, strings.TrimPrefix(path, "/wallet/")
}

func (a *asking) link(t testing.TB, token string, way presentation.Way) string {
	t.Helper()
	v, err := a.links.View(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return v.Links[way]
}

// TestAWalletIsAsked: by QR code, the page shows the result; on one device, only the page to which the wallet leads does.
func TestAWalletIsAsked(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	path, token := a.ask(t, "any")
	got := a.get(t, path)
	got.has(t, "waiting", 200, "ウォレットからの答えを待っています", "<svg", `href="openid4vp://?client_id=x509_hash%3A`, "!届いた答えを受け付けられませんでした")
	if got.Header.Get("Refresh") != "" || !strings.Contains(got.Body, `<ak-again class="ak-again" data-state="waiting" hidden>`) {
		t.Errorf("the page does not look for the answer in a way that can be stopped: %v", got.Header)
	}
	if _, err := a.Phone.Present(t.Context(), a.link(t, token, presentation.There)); err != nil {
		t.Fatal(err)
	}
	got = a.get(t, path)
	got.has(t, "answered", 200, `data-verdict="valid"`, "見本", "看護師", "!2003")
	if strings.Contains(got.Body, "<ak-again") {
		t.Error("a result looks again")
	}
	path, token = a.ask(t, "kangoshi")
	reply, err := a.Phone.Present(t.Context(), a.link(t, token, presentation.Here))
	if err != nil {
		t.Fatal(err)
	}
	a.get(t, path).has(t, "whoever asked", 200, "結果は、ウォレットから戻った画面に出ています", "!見本")
	back, err := url.Parse(reply.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	a.get(t, back.RequestURI()).has(t, "coming back", 200, `data-verdict="valid"`, "見本")
	a.get(t, "/wallet/result?response_code="+token).has(t, "with another code", 404, "この求めは、もうありません")
	a.get(t, "/wallet/"+strings.Repeat("A", 43)).has(t, "no such question", 404, "この求めは、もうありません")
	a.get(t, "/wallet").has(t, "the start", 200, "どの資格でもよい", "看護師")
	if log := a.log.String(); strings.Contains(log, token) || strings.Contains(log, "見本") {
		t.Error("the log has a secret or a name")
	}
}

// TestAnswersThatAreNoResult: what the page says of each.
func TestAnswersThatAreNoResult(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	path, token := a.ask(t, "yakuzaishi")
	r, err := a.Phone.Fetch(t.Context(), a.link(t, token, presentation.There))
	if err != nil {
		t.Fatal(err)
	}
	shown, err := a.Phone.Show(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Phone.Send(t.Context(), r, shown); err == nil {
		t.Fatal("a nurse was taken for a pharmacist")
	}
	a.get(t, path).has(t, "another qualification", 200, "求めたものと違う資格の資格者証が届きました", "<svg")
	if _, err := a.Phone.Decline(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	a.get(t, path).has(t, "declined", 200, "ウォレットが見せることを断りました", "資格がないという意味ではありません")
	path, token = a.ask(t, "yakuzaishi")
	if r, err = a.Phone.Fetch(t.Context(), a.link(t, token, presentation.There)); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := a.Phone.Post(t.Context(), r.ResponseURI, url.Values{"response": {"a.b.c"}}); err == nil {
			t.Fatal("an answer that is none was taken")
		}
	}
	a.get(t, path).has(t, "too many refused", 200, "受け付けられない答えが続いたため、終了しました", "!wallet-qr", "!<ak-again")
	path, _ = a.ask(t, "any")
	a.Clock.Set(a.Clock.Now().Add(presentation.Patience))
	a.get(t, path).has(t, "nobody answered", 200, "時間内に答えが届きませんでした")
	bad := do(t, request(t, "POST", a.URL+"/wallet", "application/x-www-form-urlencoded", strings.NewReader("qualification=nothing")))
	bad.has(t, "no such qualification", http.StatusUnprocessableEntity)
}

// TestWithoutACertificate: where wallets could not know who asks, nothing is asked.
func TestWithoutACertificate(t *testing.T) {
	t.Parallel()
	a := startAsking(t)
	if _, err := a.DB.Superuser().Exec(t.Context(), `delete from verifier_key`); err != nil {
		t.Fatal(err)
	}
	got := do(t, request(t, "POST", a.URL+"/wallet", "application/x-www-form-urlencoded", strings.NewReader("qualification=any")))
	got.has(t, "asking", 404)
	start(t, plenty).get(t, "/wallet").has(t, "not offered", 404)
}

// TestWalletPagesInABrowser looks at the pages in each state and language.
func TestWalletPagesInABrowser(t *testing.T) {
	a := startAsking(t)
	tab := browser.New(t)
	for _, prefix := range []string{"", "/en", "/easy"} {
		name := strings.Trim(prefix, "/")
		tab.Open(a.URL + prefix + "/wallet")
		look(t, tab, name+"wallet")
		path, token := a.ask(t, "any")
		tab.Open(a.URL + prefix + path)
		look(t, tab, name+"wallet-waiting")
		if _, err := a.Phone.Present(t.Context(), a.link(t, token, presentation.There)); err != nil {
			t.Fatal(err)
		}
		tab.Open(a.URL + prefix + path)
		look(t, tab, name+"wallet-result")
		tab.Open(a.URL + prefix + "/wallet/result?response_code=x")
		look(t, tab, name+"wallet-gone")
	}
}
