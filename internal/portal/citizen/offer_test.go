package citizen

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"akashi/internal/format/oauth"
	"akashi/internal/issuance"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

const (
	walletID = "https://wallet.example"
	issuers  = "https://api.example/issuers"
)

var knownWallets = issuance.Wallets{walletID: {ID: walletID, Redirects: []string{"https://wallet.example/cb"},
	Name: qualification.Text{JA: "見本ウォレット", EN: "Sample wallet", Easy: "みほんの ウォレット"}}}

func (w *world) offers() *issuance.Holder {
	return &issuance.Holder{DB: w.DB.As(pg.RoleCitizen), Catalogue: w.Catalogue, RefKey: w.RefKey, Forms: issuance.WalletForms("https://verify.example"), Wallets: knownWallets, Base: issuers}
}

func (w *world) issuer() *issuance.Server {
	return &issuance.Server{DB: w.DB.As(pg.RoleIssuance), Catalogue: w.Catalogue, Issuer: w.Issuer, Forms: issuance.WalletForms("https://verify.example"), Wallets: knownWallets,
		Nonces: issuance.NewNonces(w.RefKey), Base: issuers, Authorize: w.Server.URL + AuthorizePath}
}

// entryPath is the page of the nurse's one credential.
func (w *world) entryPath(t *testing.T) (path string, entry uuid.UUID) {
	t.Helper()
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("%d holdings, error %v", len(held), err)
	}
	return credentialPath(&held[0]), held[0].Entry.ID
}

// TestOffer: from the credential to the QR code; the transaction code stands on a page of its own, and is gone once the offer
// is over or another browser asks.
func TestOffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Registered(t)
	path, _ := w.entryPath(t)
	v := w.nurse(t)
	v.get(path).want(http.StatusOK, "ウォレットに追加する")
	v.get(path+"/wallet").want(http.StatusOK, "まだありません", "QRコードを表示する")
	offer := v.post(path + "/wallet").want(http.StatusSeeOther).Header.Get("Location")
	page := v.get(offer).want(http.StatusOK, "openid-credential-offer://?credential_offer_uri=", "ウォレットを待っています")
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(v.get(offer+"/code").want(http.StatusOK, "6桁").text())
	if code == "" {
		t.Fatal("no transaction code")
	}
	page.lacks(code)
	again := w.nurse(t)
	again.get(offer).want(http.StatusOK).lacks("credential_offer_uri")
	again.get(offer+"/code").want(http.StatusOK, "もう使えません").lacks(code)
	v.get("/en"+offer).want(http.StatusOK, "Waiting for a wallet")
	v.get("/easy" + offer).want(http.StatusOK)
	w.Clock.Advance(issuance.OfferLife)
	v.get(offer).want(http.StatusOK, "有効時間が過ぎました").lacks("credential_offer_uri")
	v.get(offer + "/code").want(http.StatusOK).lacks(code)
	offer = v.post(path + "/wallet").want(http.StatusSeeOther).Header.Get("Location")
	v.post(offer + "/end").want(http.StatusSeeOther)
	v.get(offer).want(http.StatusOK, "取り下げられました")
	v.get(path+"/wallet").want(http.StatusOK, "終了", "期限切れ")
}

// TestOfferBeforeTheDecision: a case in review has a page for a wallet that waits.
func TestOfferBeforeTheDecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.InReview(t)
	v := w.nurse(t)
	v.get("/applications/"+id).want(http.StatusOK, "ウォレットで受け取る準備をする")
	v.get("/applications/"+id+"/wallet").want(http.StatusOK, "ウォレットは結果を待ちます")
	offer := v.post("/applications/" + id + "/wallet").want(http.StatusSeeOther).Header.Get("Location")
	v.get(offer).want(http.StatusOK, "credential_offer_uri")
	if err := w.Desk.Withdraw(t.Context(), w.Nurse, id); err != nil {
		t.Fatal(err)
	}
	v.get("/applications/"+id+"/wallet").want(http.StatusConflict, "生じません")
}

// pushed is the address to which a wallet sends its holder.
func (w *world) pushed(t *testing.T) string {
	t.Helper()
	form := url.Values{"client_id": {walletID}, "response_type": {"code"}, "redirect_uri": {"https://wallet.example/cb"}, "state": {"s"},
		"code_challenge": {oauth.Challenge(strings.Repeat("v", 43))}, "code_challenge_method": {"S256"}, "scope": {"kangoshi.mhlw.sdjwt"}}
	p, err := w.issuer().Push(t.Context(), "mhlw", []byte(form.Encode()), issuance.Sent{})
	if err != nil {
		t.Fatal(err)
	}
	return AuthorizePath + "?" + url.Values{"client_id": {walletID}, "request_uri": {p.RequestURI}}.Encode()
}

// TestAuthorize: the holder is asked, chooses, and is sent back to the wallet with a code; or with the no.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Registered(t)
	_, entry := w.entryPath(t)
	v := w.nurse(t)
	address := w.pushed(t)
	if to := w.visitor(t).get(address).want(http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/login?to="+url.QueryEscape(AuthorizePath+"?")) {
		t.Errorf("nobody is logged in: led to %s", to)
	}
	v.get(address).want(http.StatusOK, "見本ウォレット", "厚生労働", "SD-JWT VC", "看護師")
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	uri := u.Query().Get("request_uri")
	v.post(AuthorizePath, "client_id", walletID, "request_uri", uri, "answer", "yes").want(http.StatusUnprocessableEntity, "選んでください")
	v.post(AuthorizePath, "client_id", walletID, "request_uri", uri, "answer", "yes", "subject", "kangoshi.mhlw/"+uuid.NewString()).want(http.StatusNotFound)
	v.post(AuthorizePath, "client_id", walletID, "request_uri", uri, "answer", "yes", "subject", "ishi.mhlw/"+entry.String()).want(http.StatusNotFound)
	to := v.post(AuthorizePath, "client_id", walletID, "request_uri", uri, "answer", "yes", "subject", "kangoshi.mhlw/"+entry.String()).want(http.StatusSeeOther).Header.Get("Location")
	if !strings.HasPrefix(to, "https://wallet.example/cb?") || !strings.Contains(to, "code=") || !strings.Contains(to, "iss="+url.QueryEscape(issuers+"/mhlw")) {
		t.Errorf("led to %s", to)
	}
	v.get(address).want(http.StatusBadRequest, "期限切れか、すでに使われています")
	no := w.pushed(t)
	u, err = url.Parse(no)
	if err != nil {
		t.Fatal(err)
	}
	to = v.post(AuthorizePath, "client_id", walletID, "request_uri", u.Query().Get("request_uri"), "answer", "no").want(http.StatusSeeOther).Header.Get("Location")
	if !strings.Contains(to, "error=access_denied") {
		t.Errorf("led to %s", to)
	}
	v.get(AuthorizePath+"?client_id=evil").want(http.StatusBadRequest, "正しくありません")
	late := w.pushed(t)
	w.Clock.Advance(6 * time.Minute)
	v.get(late).want(http.StatusBadRequest, "期限切れ")
}

// TestWalletPagesInTheBrowser looks at every page as it is drawn.
func TestWalletPagesInTheBrowser(t *testing.T) {
	w := newWorld(t)
	w.Registered(t)
	path, _ := w.entryPath(t)
	l := browse(t, w)
	l.look("wallet-login", path+"/wallet")
	l.press("マイナンバーカードでログイン")
	l.here("wallet")
	l.press("QRコードを表示する")
	l.here("wallet-offer")
	l.press("取引コードを表示する")
	l.here("wallet-code")
	l.press("QRコードに戻る")
	l.press("取り下げる")
	l.here("wallet-withdrawn")
	l.look("authorize", w.pushed(t))
	l.look("authorize-refused", AuthorizePath+"?client_id=x")
	l.look("wallet-easy", "/easy"+path+"/wallet")
}
