package citizen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"akashi/internal/browser"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/review"
	"akashi/internal/verification"
)

// holds is a nurse who is logged in, and the address of her credential.
func (w *world) holds(t *testing.T) (*visitor, string) {
	t.Helper()
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	return w.nurse(t), credentialPath(&held[0])
}

// codeIn is the text of the code on a page for codes that are handed out.
var codeIn = regexp.MustCompile(`id="code-url">([^<]+)<`)

// TestShowing: a code on the screen runs out and renews itself, and stops after a while; the holder chooses what it shows.
func TestShowing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, path := w.holds(t)
	v.get(path).want(200, "画面に表示する", "見せる項目を選ぶ", "資格者証を停止する")
	page := v.get(path+"/screen").want(200, "<svg", "見本　花子", "まで有効", "相手に見える項目")
	if got := page.Header.Get("Refresh"); !strings.HasPrefix(got, "60; url="+path+"/screen?") || !strings.Contains(got, "turn=1") {
		t.Errorf("the page renews itself by %q", got)
	}
	stopped := v.get(path+"/screen?turn=10").want(200, "表示を止めました").lacks("<svg xmlns")
	if stopped.Header.Get("Refresh") != "" {
		t.Error("a page that has stopped goes on")
	}
	v.get(path+"/screen?show=none").want(200, "<svg").lacks("cz-holder")
	v.get(path+"/choose").want(200, `value="UN"`, `value="UB"`, "氏名を入れないと").lacks(`value="UC"`, `value="DN"`)
	to := v.post(path+"/codes", "show", "none", "show", "UN", "show", "UC").want(http.StatusSeeOther, path+"/codes/").To
	code := codeIn.FindStringSubmatch(v.get(to).want(200, "<svg", "氏名").Body)
	if code == nil {
		t.Fatal("no code on the page")
	}
	r := w.Verifier.CheckText(t.Context(), code[1])
	if r.Verdict != verification.Valid || r.Facts[cose.HolderName] == "" || r.Facts[cose.RegistrationNumber] != "" {
		t.Errorf("the code that was made says %+v", r)
	}
	v.get(path+"/history").want(200, "渡すためのQRコード", "画面に表示", "誰が確認したか", to).lacks("ウォレットで見せるたびに")
	phone, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.SDJWT(t, &phone.PublicKey)
	v.get(path+"/history").want(200, "入っている項目（見せる項目は、ウォレットで見せるたびに選べます）")
	w.Clock.Set(w.Clock.Now().Add(3 * time.Minute))
	v.get(path+"/history").want(200, "に期限が切れました")
	v.get("/en"+path+"/screen").want(200, "Good until")
	v.get("/easy"+path+"/choose").want(200, "えらぶ")
}

// TestStopping: one press stops it, for codes that were handed out before, too; only a fresh login lifts that or makes a new one.
func TestStopping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, path := w.holds(t)
	to := v.post(path + "/codes").want(http.StatusSeeOther).To
	code := codeIn.FindStringSubmatch(v.get(to).Body)[1]
	says := func(want verification.Verdict) {
		t.Helper()
		if r := w.Verifier.CheckText(t.Context(), code); r.Verdict != want {
			t.Errorf("the code says %s, want %s", r.Verdict, want)
		}
	}
	says(verification.Valid)
	w.Clock.Set(w.Clock.Now().Add(2 * time.Hour))
	v.get(path+"/stop").want(200, "今すぐ停止する", "停止しても変わらないこと")
	v.post(path+"/stop").want(http.StatusSeeOther, path)
	says(verification.Suspended)
	v.get(path).want(200, "資格者証を停止しました", "あなたが停止中", "停止を解除する").lacks("<svg xmlns")
	v.post(path+"/stop").want(http.StatusConflict, "すでに停止しています")
	for _, page := range []string{"/screen", "/choose", "/codes/x", "/stop"} {
		v.get(path+page).want(http.StatusSeeOther, path)
	}
	for _, act := range []string{"/lift", "/renew"} {
		v.get(path+act).want(http.StatusSeeOther, againPath+"?to=")
		v.post(path+act).want(http.StatusSeeOther, againPath+"?to=")
	}
	says(verification.Suspended)
	w.Clock.Set(w.Clock.Now().Add(time.Minute))
	v.get(againPath+"?to="+path+"/lift").want(200, "もう一度ログインしてください", "カードをお手元に")
	v.login(path + "/lift")
	v.get(path+"/lift").want(200, "また使えるようにします")
	v.post(path+"/lift").want(http.StatusSeeOther, path)
	says(verification.Valid)
	v.post(path+"/lift").want(http.StatusConflict, "解除するものがありません")
	v.get(path+"/renew").want(200, "元に戻すことはできません")
	v.post(path+"/renew").want(http.StatusSeeOther, path)
	says(verification.Replaced)
	v.get(path).want(200, "新しい資格者証を作りました")
	w.Work(t)
	v.get(path).want(200, "作り直す（以前のものはすべて無効）")

	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	last := w.Today().AddDays(90)
	w.MeasureUntil(t, held[0].Entry.RegisterID, held[0].Entry.ID, *held[0].Entry.PersonRef, review.MeasureSuspend, last)
	w.Work(t)
	v.get("/credentials").want(200, "停止中（"+last.Both()+"まで）")
	v.get(path).want(200, "資格者証を停止する", last.Both()+"まで業務が停止されているため、提示できません").lacks("作り直す（以前のものはすべて無効）")
	v.get(path+"/renew").want(http.StatusSeeOther, path)
	v.get("/messages").want(200, "登録の状態が変わりました", `href="`+path+`"`)
}

// stopCodeIn is the code on the page that tells it.
var stopCodeIn = regexp.MustCompile(`(?:[0-9A-Z]{5}-){3}[0-9A-Z]{5}`)

// TestStopCodePages: a holder makes a code, which is told for a while; whoever types it stops the credential without a login, and
// nothing of it is logged.
func TestStopCodePages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, path := w.holds(t)
	v.get(path).want(200, "停止コードを用意する", `href="/stop-code"`)
	v.get("/stop-code").want(200, "まだ作っていません。", "停止コードを作る")
	v.post("/stop-code").want(http.StatusSeeOther, stopCodePath)
	code := stopCodeIn.FindString(v.get("/stop-code").want(200, "あなたの停止コード", w.Server.URL+"/stop").Body)
	v.get("/en/stop-code").want(200, code, "Your stop code")
	w.Clock.Set(w.Clock.Now().Add(credential.FreshLogin + time.Second))
	v.get("/stop-code").want(200, "に作った停止コードがあります", "新しい停止コードを作る").lacks(code)
	v.post("/stop-code").want(http.StatusSeeOther, againPath+"?to="+stopCodePath)

	finder := w.visitor(t)
	finder.get("/login").want(200, "カードやスマートフォンをなくしたとき", `href="/stop"`)
	finder.get("/help").want(200, `href="/stop"`)
	finder.get("/easy/stop").want(200, "コードで")
	finder.post("/stop", "code", " ").want(http.StatusUnprocessableEntity, "停止コードを入力してください。")
	finder.post("/stop", "code", strings.Repeat("A", maxTypedCode+1)).want(http.StatusUnprocessableEntity, "この停止コードは使えません")
	finder.post("/stop", "code", "7F3K9-2QX8T").want(http.StatusUnprocessableEntity, "この停止コードは使えません", "7F3K9-2QX8T")
	finder.get("/stop-code").want(http.StatusSeeOther, "/login?to=")
	finder.post("/stop", "code", strings.ToLower(code)).want(http.StatusSeeOther, byCodePath)
	finder.get("/stop").want(200, "資格者証を停止しました（1件）", "カードでログインしてから行います").lacks("看護師", "見本")
	finder.post("/stop", "code", code).want(http.StatusUnprocessableEntity, "この停止コードは使えません")
	v.get(path).want(200, "あなたが停止中")
	v.get("/stop-code").want(200, "に使われました")
	v.login("/stop-code")
	v.post("/stop-code").want(http.StatusSeeOther, stopCodePath)
	second := stopCodeIn.FindString(v.get("/stop-code").Body)
	finder.post("/stop", "code", second).want(http.StatusSeeOther, byCodePath)
	finder.get("/stop").want(200, "停止できる資格者証はありませんでした", "引き続き使えます")
	for _, secret := range []string{code, second} {
		if secret == "" || strings.Contains(strings.ToUpper(w.log.String()), secret) {
			t.Errorf("the code %q is in the log", secret)
		}
	}
}

// TestTheWalletInABrowser looks at every page of a credential, in a state that has something to show, and stops and renews it with
// scripts switched off.
func TestTheWalletInABrowser(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	path := credentialPath(&held[0])
	l := browse(t, w)
	l.tab.Open(l.base + "/login")
	l.tab.Click(`main form[action="/login"] button`)
	l.look("wallet", path)
	for _, page := range []struct{ name, path string }{{"wallet-screen", path + "/screen"}, {"wallet-screen-en", "/en" + path + "/screen?show=none"},
		{"wallet-screen-stopped", path + "/screen?turn=10"}, {"wallet-choose", path + "/choose"}, {"wallet-stop", path + "/stop"}, {"wallet-stop-easy", "/easy" + path + "/stop"}} {
		l.look(page.name, page.path)
	}
	l.look("wallet-choose-easy", "/easy"+path+"/choose")
	l.tab.Click(`button[formaction$="/codes"]`)
	l.here("wallet-code")
	l.look("wallet-history", path+"/history")
	l.look("wallet-stop-code", "/stop-code")
	l.tab.Click(`main form[action="/stop-code"] button`)
	l.here("wallet-stop-code-made")
	l.look("wallet-by-code", "/stop")
	w.Clock.Set(w.Clock.Now().Add(time.Minute))
	l.look("wallet-renew", path+"/renew")

	plain := browse(t, w, browser.NoJS())
	plain.tab.Open(plain.base + "/login?to=" + path)
	plain.tab.Click(`main form[action="/login"] button`)
	w.Clock.Set(w.Clock.Now().Add(time.Hour))
	plain.press("資格者証を停止する")
	plain.press("今すぐ停止する")
	if words := plain.tab.Text("main"); !strings.Contains(words, "あなたが停止中") {
		t.Errorf("after the stop: %s", words)
	}
	l.look("wallet-stopped", path)
	w.Clock.Set(w.Clock.Now().Add(time.Minute))
	plain.press("停止を解除する")
	if plain.tab.Path() != againPath {
		t.Fatalf("an old login leads to %s", plain.tab.URL())
	}
	l.look("wallet-login-again", againPath+"?to="+path+"/lift")
	plain.tab.Click(`main form[action="/login"] button`)
	l.tab.Click(`main form[action="/login"] button`)
	l.here("wallet-lift")
	plain.press("停止を解除する")
	if words := plain.tab.Text("main"); !strings.Contains(words, "停止を解除しました") || strings.Contains(words, "あなたが停止中") {
		t.Errorf("after lifting: %s", words)
	}
}

// TestRefusalsAreWorded: whatever a credential refuses its holder is said in words, and no reason is missing in the list of all.
func TestRefusalsAreWorded(t *testing.T) {
	t.Parallel()
	words := uitest.Catalogue(t, Text)
	for _, r := range credential.Refusals() {
		if !words.Has(string(r)) {
			t.Errorf("%s has no wording", r)
		}
	}
	declared := regexp.MustCompile(`(?m)^\t\w+\s+Refusal = "([a-z_.]+)"`)
	files, err := filepath.Glob("../../credential/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	found := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllStringSubmatch(string(raw), -1) {
			found++
			if !slices.Contains(credential.Refusals(), credential.Refusal(m[1])) {
				t.Errorf("%s is not in the list of refusals", m[1])
			}
		}
	}
	if found != len(credential.Refusals()) {
		t.Errorf("%d reasons are declared, and %d listed", found, len(credential.Refusals()))
	}
}
