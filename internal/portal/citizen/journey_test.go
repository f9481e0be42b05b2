package citizen

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/account"
	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/person"
	"akashi/internal/pg"
)

// TestTheMainJob walks from the start page to the credential, without a script.
func TestTheMainJob(t *testing.T) {
	w := newWorld(t)
	w.Passer(t)
	v := w.visitor(t)
	v.get("/").want(200, "マイナンバーカードでログイン", "/procedures/kangoshi.mhlw/registration")
	v.get("/procedures/kangoshi.mhlw/registration").want(200, "9,000円", "国（国庫）", "登録免許税法", "要らない書類", "戸籍抄本", "保健所",
		"2026年（令和8年）", "署名用電子証明書", "はじめる（ログイン）")
	to := v.get("/procedures/kangoshi.mhlw/registration/start").want(http.StatusSeeOther, "/login?to=%2Fprocedures")
	v.get(to.To).want(200, "利用者証明用の暗証番号")
	v.login("/procedures/kangoshi.mhlw/registration/start")
	v.get("/").want(200, "見本 花子", "今、あなたの対応が必要な手続はありません", "ここに表示できる資格はまだありません")

	id := v.begin()
	v.get("/applications/"+id).want(200, id, "下書き", "未入力", "本人の情報", "2026年（令和8年）12月31日まで保存します")
	v.get("/applications/"+id+"/form/person").want(200, "見本　花子", "住民票の情報から取得しました", "登録内容が違う場合")
	v.fill(id)
	v.get("/applications/"+id).want(200, "入力が終わりました。内容を確認して、署名してください。", "内容を確認する", "完了").lacks("未入力", "申請書を完成させて")
	v.post("/applications/"+id+"/check").want(http.StatusSeeOther, "/applications/"+id+"/check")
	check := v.get("/applications/"+id+"/check").want(200, "まだ申請されていません", "ミホン　ハナコ", "09012345678", "2026年（令和8年）3月", "診断書.png",
		"9,000円", "私は、看護師の免許を申請します", "?back=check", "この内容で署名へ進む")
	v.post("/applications/"+id+"/sign", "request", check.input("request")).want(http.StatusSeeOther, "https://login.example/sign?transaction=transaction-1&subject=nurse")
	receipt := v.get(SignCallback+"?code=1").want(http.StatusSeeOther, "/applications/"+id+"/receipt/0")
	v.get(receipt.To).want(200, "申請を受け付けました", id, "2026年（令和8年）12月1日 09:0", "SHA-256", "納付に進む", "標準処理期間").lacks("?back=check")

	v.get("/applications/"+id+"/pay").want(200, "支払い画面へ進む", "9,000円")
	v.post("/applications/"+id+"/pay").want(http.StatusSeeOther, "https://pay.example/")
	v.get("/applications/"+id+"/paid").want(200, "納付をまだ確認できていません", "もう一度確認する")
	w.Pay(t, id)
	v.get("/applications/"+id+"/paid").want(200, "納付を確認しました", "納付済み")
	w.Work(t)
	v.get("/applications/"+id).want(200, "審査中", "お待ちください", "住民票の情報を照会しました", "戸籍の情報を照会しました")

	w.Propose(t, id)
	v.get("/applications/"+id).want(200, "決裁中").lacks("審査 一郎")
	w.Approve(t, id)
	w.Work(t)
	v.get("/applications/"+id).want(200, "登録されました", "デジタル資格者証を発行しました")
	list := v.get("/credentials").want(200, "看護師", "有効", "登録番号 第")
	path := regexp.MustCompile(`/credentials/kangoshi\.mhlw/[0-9a-f-]+`).FindString(list.Body)
	v.get(path).want(200, "<svg", "https://verify.example/w/?c=", "見本　花子", "顔写真付きの身分証明書", "厚生労働大臣", path+"/pdf")
	v.fetchPDF(path + "/pdf")

	v.get("/messages").want(200, "登録されました", "納付を確認しました", "申請を受け付けました").lacks("未読")
	v.get("/access-log").want(200, "厚生労働省の職員", "申請を開いて見た", "住民票の情報を照会した", "申請の手続のため").lacks("審査 一郎", "決裁 二郎")
	v.post("/logout").want(http.StatusSeeOther, "/logged-out")
	v.get("/credentials").want(http.StatusSeeOther, "/login")
}

// TestOtherLanguages walks the same pages in English and plain Japanese.
func TestOtherLanguages(t *testing.T) {
	w := newWorld(t)
	w.Passer(t)
	v := w.nurse(t)
	id := v.begin()
	for _, path := range []string{"/", "/qualifications", "/procedures/kangoshi.mhlw/registration", "/applications/" + id, "/applications/" + id + "/form/kana",
		"/applications/" + id + "/documents", "/credentials", "/messages", "/access-log", "/help", "/about", "/privacy", "/accessibility", "/logged-out", "/card-check"} {
		v.get("/en"+path).want(200, `<html lang="en"`)
		v.get("/easy"+path).want(200, "<ruby>")
	}
	v.get("/en/applications/"+id).want(200, "Draft", "kept until 31 December 2026", "/en/applications/"+id+"/form/person")
	other := w.visitor(t)
	other.post("/en/login", "to", "/applications/"+id).want(http.StatusSeeOther, "https://login.example")
	other.get(LoginCallback+"?code=1").want(http.StatusSeeOther, "/en/applications/"+id)
}

func TestFormKeepsWhatWasTyped(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	path := "/applications/" + id + "/form/"
	v.post(path+"kana", "name_kana.family", "見本", "name_kana.given", "はなこ").want(422, "エラー：", "ひらがなかカタカナで入力してください", `value="見本"`, `href="#f-name_kana-family"`)
	v.get(path+"kana").want(200, `value="見本"`, `value="はなこ"`)
	v.post(path+"kana", "name_kana.family", "", "name_kana.given", "はなこ", "_action", "exit").want(http.StatusSeeOther, "/applications/"+id)
	v.get("/applications/"+id).want(200, "入力した内容を保存しました", "入力中")
	v.post("/applications/"+id+"/check").want(422, "まだ入力が終わっていません", "/applications/"+id+"/form/kana", "「医師の診断書」のファイルを追加してください")
	v.post(path+"kana", "name_kana.family", "みほん", "name_kana.given", "はなこ").want(http.StatusSeeOther)
	v.get(path+"kana").want(200, "住民票の情報から取得しました")
	v.post(path+"kana", "name_kana.family", "みほん", "name_kana.given", "はなえ").want(http.StatusSeeOther)
	v.get(path+"kana").want(200, `value="はなえ"`).lacks("住民票の情報から取得しました") // it is the applicant's own now
	v.get(path+"nowhere").want(404, "ページが見つかりません")
	v.get(path+"penalty-details").want(409, "この項目は、今は変更できません")
	v.post(path+"penalties", "fined", "yes", "misconduct", "no").want(http.StatusSeeOther, path+"penalty-details")
}

// TestChangeFromTheCheckPage goes straight back to the check page, with content frozen anew.
func TestChangeFromTheCheckPage(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	v.fill(id)
	v.post("/applications/"+id+"/check").want(http.StatusSeeOther, "/applications/"+id+"/check")
	old := v.get("/applications/" + id + "/check").want(200).input("request")
	v.get("/applications/"+id+"/form/kana?back=check").want(200, `name="_back" value="check"`)
	v.post("/applications/"+id+"/form/kana", "name_kana.family", "みほん", "name_kana.given", "はな", "_back", "check").want(http.StatusSeeOther, "/applications/"+id+"/check")
	v.get("/applications/"+id+"/check").want(200, "ミホン　ハナ<")
	to := v.post("/applications/"+id+"/sign", "request", old).want(http.StatusSeeOther, "/applications/"+id+"/sign/failed?reason=content_changed")
	v.get(to.To).want(200, "確認した後に内容が変わった")
}

func TestSignatureFailures(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	v.fill(id)
	for _, c := range []struct {
		name, reason, words string
		set                 func()
	}{
		{"cancelled", "cancelled", "署名が途中で取り消されました", func() {
			w.ID.FailWith = fault.New(fault.Unauthenticated, "identity.cancelled", "test")
		}},
		{"service silent", "upstream", "署名サービスから応答がありませんでした", func() { w.ID.FailWith = fault.New(fault.Upstream, "", "test") }},
		{"another person came back", "someone_else", "別の人のカード", func() {
			w.ID.FailWith = fault.New(fault.Forbidden, "identity.someone_else", "test")
		}},
		{"another signer", "other_signer", "ログインした人と一致しません", func() { w.ID.Signer = "other" }},
		{"broken signature", "bad_signature", "署名用パスワード", func() { w.ID.Broken = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.set()
			to := v.signs(id).want(http.StatusSeeOther, "/applications/"+id+"/sign/failed?reason="+c.reason)
			v.get(to.To).want(200, c.words, "申請はまだ送られていません", "/applications/"+id+"/check")
			if s := w.stateOf(t, id); s != application.Signing {
				t.Errorf("after a failed signature the case is %s", s)
			}
			w.ID.Signer, w.ID.Broken = "", false
		})
	}
	v.signs(id).want(http.StatusSeeOther, "/applications/"+id+"/receipt/0")
	v.get(SignCallback+"?code=1").want(http.StatusSeeOther, "/") // the page loaded again
}

func TestTryingTheCard(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	v.get("/card-check?to=/qualifications").want(200, "何も申請されません")
	v.post("/card-check", "to", "/qualifications").want(http.StatusSeeOther, "https://login.example/sign")
	v.get(SignCallback+"?code=1").want(http.StatusSeeOther, "/qualifications")
	v.get("/qualifications").want(200, "カードで署名できます")
	w.ID.Signer = "other"
	v.post("/card-check", "to", "https://evil.example/").want(http.StatusSeeOther, "https://login.example/sign")
	to := v.get(SignCallback+"?code=1").want(http.StatusSeeOther, "/card-check/failed?reason=other_signer&to=%2F")
	v.get(to.To).want(200, "ログインした人と一致しません").lacks("evil")
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	v := w.visitor(t)
	for _, reason := range loginReasons() {
		w.ID.FailWith = fault.New(fault.Unauthenticated, "identity."+reason, "test")
		v.post("/login", "to", "/messages").want(http.StatusSeeOther, "https://login.example")
		to := v.get(LoginCallback+"?error=x").want(http.StatusSeeOther, "/login/failed?reason="+reason)
		v.get(to.To).want(200, "ログインできませんでした", `name="to" value="/messages"`)
	}
	v.get(LoginCallback+"?code=1").want(http.StatusSeeOther, "/login/failed?reason=no_visit")
	w.ID.FailWith = fault.New(fault.Upstream, "", "test")
	v.post("/login", "to", "//evil.example/").want(http.StatusSeeOther, "https://login.example")
	v.get(LoginCallback+"?code=1").want(503, "ただいま接続できません")
	v.post("/login", "to", "//evil.example/").want(http.StatusSeeOther, "https://login.example")
	before := v.cookie()
	v.get(LoginCallback+"?code=1").want(http.StatusSeeOther, "/")
	if v.cookie() == before {
		t.Error("the session token is the same before and after the login")
	}
	v.get(LoginCallback+"?code=1").want(http.StatusSeeOther, "/")
	v.get("/login?to=/messages").want(http.StatusSeeOther, "/messages")
}

// cookie is the session token that the browser holds.
func (v *visitor) cookie() string {
	req, err := http.NewRequest(http.MethodGet, v.w.Server.URL, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(req.URL) {
		return c.Value
	}
	return ""
}

// TestStartTwice presses the button twice at the same time: one draft, and both visitors' tabs lead to it.
func TestStartTwice(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	token := v.get("/procedures/kangoshi.mhlw/registration/start").input("_token")
	var wait sync.WaitGroup
	led := make([]string, 2)
	for i := range led {
		wait.Go(func() {
			led[i] = v.post("/applications", "_token", token, "register", "kangoshi.mhlw", "procedure", "registration").To
		})
	}
	wait.Wait()
	if led[0] != led[1] || !strings.HasPrefix(led[0], "/applications/KGMH-") {
		t.Errorf("two presses led to %q and %q", led[0], led[1])
	}
	v.get("/procedures/kangoshi.mhlw/registration/start").want(200, "続きから始められます").lacks("申請書を作る")
	v.post("/applications", "register", "kangoshi.mhlw", "procedure", "registration").want(422, "送信した画面が古くなっています")
	v.post("/applications", "_token", uuid.NewString(), "register", "nowhere", "procedure", "registration").want(404)
}

func TestWhoCannotStart(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	v.get("/procedures/kangoshi.mhlw/change/start").want(200, "名簿に登録されている人のものです", "/procedures/kangoshi.mhlw/linking").lacks("_token")
	v.post("/applications", "_token", uuid.NewString(), "register", "kangoshi.mhlw", "procedure", "change").want(422, "登録が見つかりません")
	w.Registered(t)
	v.get("/procedures/kangoshi.mhlw/registration/start").want(200, "すでにこの名簿に登録されています").lacks("_token")
	v.get("/procedures/kangoshi.mhlw/nothing").want(404)
	v.get("/procedures/nowhere.mhlw/registration").want(404)
	v.get("/qualifications/jun-kangoshi/registration").want(200, "佐賀県", "北海道", "/procedures/jun-kangoshi.pref-41/registration")
	v.get("/procedures/jun-kangoshi.pref-41/registration").want(200, "5,600円", "納付先：佐賀県")
	v.get("/procedures/kangoshi.mhlw/reissue").want(200, "3,100円", "出典：")
}

// TestOtherPersonsCase: what is not behind one's door does not exist.
func TestOtherPersonsCase(t *testing.T) {
	w := newWorld(t)
	id := w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("the nurse holds %d entries: %v", len(held), err)
	}
	view, err := w.Desk.View(t.Context(), w.Nurse, id)
	if err != nil {
		t.Fatal(err)
	}
	upload := view.Uploads[0].ID.String()
	w.ID.Who = "somebody-else"
	v := w.nurse(t)
	for _, path := range []string{"", "/form/kana", "/documents", "/check", "/receipt/0", "/pay", "/paid", "/withdraw", "/uploads/" + upload, "/sign/failed"} {
		v.get("/applications/"+id+path).want(404, "ページが見つかりません")
	}
	for _, path := range []string{"/form/kana", "/check", "/sign", "/pay"} {
		v.post("/applications/" + id + path).want(404)
	}
	v.post("/applications/"+id+"/withdraw", "sure", "yes").want(404)
	v.upload("/applications/"+id+"/documents/medical_certificate", "evidence.medical_certificate", "a.png", casetest.PNG).want(404)
	v.get(credentialPath(&held[0])).want(404)
	v.get("/applications/KGMH-00000-00000-X").want(404)
	v.get("/applications/what").want(404)
	v.get("/access-log").want(200, "まだ誰もあなたの情報を見ていません")
	w.ID.Who = "nurse"
	own := w.nurse(t)
	own.get("/applications/"+id+"/uploads/"+upload).want(200, "PNG")
	if got := own.get("/applications/" + id + "/uploads/" + upload).Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("a document is sent as %q", got)
	}
}

func TestCrossSitePostsAreRefused(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	for _, path := range []string{"/login", "/logout", "/applications", "/applications/" + id + "/check", "/applications/" + id + "/withdraw", "/applications/" + id + "/pay", "/card-check"} {
		req, err := http.NewRequest(http.MethodPost, w.Server.URL+path, strings.NewReader("sure=yes"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		v.do(req).want(403, "別のサイトから送信されたため")
	}
	if s := w.stateOf(t, id); s != application.Draft {
		t.Errorf("after cross-site posts the case is %s", s)
	}
}

// TestLoginNeedsWholeParticulars: half a record opens no session.
func TestLoginNeedsWholeParticulars(t *testing.T) {
	whole := Login{Name: "見本　花子", BirthDate: "2003-04-12", Sex: "2", Address: "東京都"}
	if got, err := particulars(whole); err != nil || got.Name != (person.Name{Family: "見本", Given: "花子"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, change := range []func(*Login){func(l *Login) { l.Name = "" }, func(l *Login) { l.BirthDate = "平成15年" }, func(l *Login) { l.Sex = "F" }} {
		half := whole
		change(&half)
		if _, err := particulars(half); fault.KindOf(err) != fault.Upstream {
			t.Errorf("%+v: %v, want upstream", half, err)
		}
	}
}

// TestAccessLogPages turns the pages of a long log: every look once, and what the person did themselves never.
func TestAccessLogPages(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	v.begin()
	reference := regexp.MustCompile(`<span class="ak-code">([0-9a-f-]{36})`)
	before := len(reference.FindAllString(v.get("/access-log").want(200).Body, -1))
	const more = 2*looksPerPage + 7
	err := w.DB.As(pg.RoleOffice).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		var events []audit.Event
		for range more {
			events = append(events, audit.Event{Act: audit.EntryView, Actor: w.Keeper.Actor(account.RegisterView), Purpose: "inquiry_by_holder",
				Register: "kangoshi.mhlw", Registrar: "mhlw", Ref: w.Ref(w.Nurse), Items: []string{"name", "entry"}})
		}
		return audit.Record(t.Context(), tx, events...)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, path := map[string]bool{}, "/access-log"
	for path != "" {
		page := v.get(path).want(200, "厚生労働省の職員")
		for _, m := range reference.FindAllStringSubmatch(page.Body, -1) {
			if seen[m[1]] {
				t.Fatalf("the look %s is shown twice", m[1])
			}
			seen[m[1]] = true
		}
		m := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page.Body)
		if path = ""; m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(seen) != before+more {
		t.Errorf("%d looks are shown, want %d", len(seen), before+more)
	}
	v.get("/access-log").want(200, fmt.Sprintf("続けて%d回", looksPerPage), "本人からの問い合わせのため", "氏名、名簿の登録内容").lacks("名簿 三郎")
	v.get("/access-log?before=yesterday").want(404)
	v.get("/access-log?before=2026-12-01T00:00:00Z&id=1").want(404)
}
