package citizen

import (
	"bytes"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"akashi/internal/application"
	"akashi/internal/calendar"
	"akashi/internal/casetest"
	"akashi/internal/fault"
	"akashi/internal/person"
	"akashi/internal/review"
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
	v.get("/applications/"+id).want(200, "内容を確認する", "完了").lacks("未入力")
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
	v.get(path).want(200, "<svg", "https://verify.example/w/?c=", "見本　花子", "顔写真付きの身分証明書", "厚生労働大臣")

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
	v.get("/procedures/kangoshi.mhlw/reissue").want(200, "この内容は未確認です")
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

func TestUploads(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := v.begin()
	to := "/applications/" + id + "/documents/medical_certificate"
	input := "evidence.medical_certificate"
	v.upload(to, input, "メモ.txt", []byte("hello")).want(422, "「メモ.txt」は受け付けられない種類のファイルです", `href="#f-evidence-medical_certificate"`)
	v.upload(to, input, "切れた.png", casetest.PNG[:40]).want(422, "「切れた.png」は途中で切れているか壊れていて")
	v.upload(to, input, "大きい.pdf", bytes.Repeat([]byte("%PDF-1.7 "), 1<<21)).want(422, "「大きい.pdf」は10MBを超えています")
	v.upload(to, input, "", nil).want(422, "ファイルを選んでください")
	v.upload("/applications/"+id+"/documents/nothing", "evidence.nothing", "a.png", casetest.PNG).want(404)
	for range 3 {
		v.upload(to, input, `C:\fakepath\診断書.png`, casetest.PNG).want(http.StatusSeeOther, "/applications/"+id+"/documents")
	}
	page := v.get("/applications/"+id+"/documents").want(200, "診断書.png", "PNG・1 KB", "削除").lacks("fakepath", `type="file"`)
	v.upload(to, input, "四つ目.png", casetest.PNG).want(422, "ファイルの数が上限に達しています")
	remove := regexp.MustCompile(`value="(remove:[0-9a-f-]+)"`).FindStringSubmatch(page.Body)[1]
	v.multipart(to, "action", remove).want(http.StatusSeeOther, "/applications/"+id+"/documents")
	v.get("/applications/"+id+"/documents").want(200, `type="file"`)
	v.post(to).want(422, "送信された内容を受け付けられませんでした") // not a form with files
}

func TestCorrectionRound(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	if err := w.Office.Take(t.Context(), w.Reviewer, id); err != nil {
		t.Fatal(err)
	}
	due := calendar.AddBusinessDays(w.Today(), 10)
	err := w.Office.RequestCorrection(t.Context(), w.Reviewer, id, []application.CorrectionItem{
		{Item: "name_kana", Reason: "kana-differs", Note: "戸籍の読みはミホン ハルコです。"}, {Item: "evidence:medical_certificate", Reason: "document-unreadable"}}, due)
	if err != nil {
		t.Fatal(err)
	}
	v.get("/").want(200, "訂正が必要", "期限："+due.Both())
	v.get("/messages").want(200, "訂正をお願いします", "未読")
	v.get("/applications/"+id).want(200, "あなたの対応が必要です", "訂正をお願いする項目", "戸籍の読みはミホン ハルコです。", "公的な記録と異なります", "期限："+due.Both(),
		"/applications/"+id+"/form/kana", "そのまま提出することもできます").lacks("/form/contact")
	v.get("/applications/"+id+"/form/kana").want(200, "前に提出した内容：", "ミホン　ハナコ", "戸籍の読みは")
	v.get("/applications/"+id+"/form/contact").want(409, "この項目は、今は変更できません")
	v.post("/applications/"+id+"/form/contact", "tel", "0311112222").want(409)
	v.post("/applications/"+id+"/check").want(422, "「医師の診断書」のファイルを追加してください")
	v.post("/applications/"+id+"/form/kana", "name_kana.family", "みほん", "name_kana.given", "はるこ").want(http.StatusSeeOther, "/applications/"+id+"/documents")
	v.get("/applications/"+id+"/documents").want(200, "前に提出した書類", "書類の文字が読み取れません")
	v.upload("/applications/"+id+"/documents/medical_certificate", "evidence.medical_certificate", "診断書2.png", casetest.PNG).want(http.StatusSeeOther)
	v.get("/applications/"+id).want(200, "内容を確認する").lacks("そのまま提出することもできます")
	v.post("/applications/" + id + "/check").want(http.StatusSeeOther)
	v.get("/applications/"+id+"/check").want(200, "ミホン　ハルコ", "/form/kana?back=check").lacks("/form/contact", "9,000円")
	to := v.signs(id).want(http.StatusSeeOther, "/applications/"+id+"/receipt/1")
	v.get(to.To).want(200, "前回から変わったところ", "<del>ミホン　ハナコ</del>", "<ins>ミホン　ハルコ</ins>", "<ins>診断書2.png</ins>")
	v.get("/applications/"+id).want(200, "審査中", "訂正して、署名しました", "/receipt/1")
}

func TestUndecidableFamilyRegister(t *testing.T) {
	w := newWorld(t)
	w.Answers.Set(application.Family, application.Reply{Class: "partly_unknown_order", Source: "test", At: casetest.Start()})
	v := w.nurse(t)
	id := w.InReview(t)
	v.get("/applications/"+id).want(200, "戸籍の情報だけでは", "戸籍抄本", "/applications/"+id+"/documents")
}

func TestWithdrawal(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	v.get("/applications/"+id+"/withdraw").want(200, "取下げは元に戻せません", "9,000円の返金の手続をします")
	v.post("/applications/"+id+"/withdraw").want(422, "確認の欄にチェックを入れてください")
	v.post("/applications/"+id+"/withdraw", "sure", "yes").want(http.StatusSeeOther, "/applications/"+id)
	v.get("/applications/"+id).want(200, "取下げ済み", "申請を取り下げました").lacks("この申請を取り下げる")
	v.get("/applications/"+id+"/withdraw").want(409, "もう取り下げられません")
	w.Work(t)
	v.get("/applications/"+id).want(200, "返金済み")
	v.get("/applications/" + id + "/form/kana").want(409)
	v.post("/applications/"+id+"/pay").want(409, "今納めるものがありません")
	v.get("/applications/" + id + "/receipt/7").want(404)
}

func TestProviderDoesNotAnswer(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.Submitted(t)
	w.Provider.FailNext = "before"
	v.post("/applications/"+id+"/pay").want(503, "ただいま接続できません")
	w.Provider.FailNext = "after"
	v.post("/applications/" + id + "/pay").want(503)
	v.post("/applications/"+id+"/pay").want(http.StatusSeeOther, "https://pay.example/")
	v.get("/applications/"+id+"/paid").want(200, "二重に支払う必要はありません")
}

func TestRejectionAndRevocation(t *testing.T) {
	w := newWorld(t)
	v := w.nurse(t)
	id := w.InReview(t)
	ctx := t.Context()
	for _, err := range []error{
		w.Office.Take(ctx, w.Reviewer, id),
		w.Office.Propose(ctx, w.Reviewer, id, review.Proposal{Outcome: "reject", Reasons: []string{"disqualified"}, Comment: "欠格事由"}),
		w.Office.Take(ctx, w.Approver, id),
		w.Office.Decide(ctx, w.Approver, id, review.Agree, ""),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	v.get("/applications/"+id).want(200, "申請どおりの登録はできませんでした", "欠格事由に当たるため登録できません", "不服があるとき")
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
