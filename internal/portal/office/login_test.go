package office

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"akashi/internal/audit"
	"akashi/internal/fault"
	"akashi/internal/pg"
)

func TestLogin(t *testing.T) {
	w := newWorld(t)
	v := w.visitor(t)
	v.expect(v.get("/register"), http.StatusSeeOther, "/login?to=%2Fregister")
	v.says(v.get("/login?to=/register"), http.StatusOK, "職員認証でログインする")
	w.login.set(func(l *login) { l.subject = "reviewer" })
	v.expect(v.post("/login", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback), http.StatusSeeOther, "/login?to=%2Fregister")
	v.says(v.get("/login"), http.StatusOK, "ログインが完了しませんでした")
	v.expect(v.post("/en/login", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/en/register")
	page := v.says(v.get("/en/register"), http.StatusOK, "Search the register")
	for _, want := range []string{"Ministry of Health, Labour and Welfare", "審査 一郎", `href="/en/"`, `href="/easy/register"`} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/login") // a visit is ended once
	v.expect(v.post("/logout"), http.StatusSeeOther, "/login?out=1")
	v.expect(v.get("/"), http.StatusSeeOther, "/login")
	for _, act := range []audit.Act{audit.StaffLogin, audit.StaffLogout} {
		if n := count(t, w, act); n != 1 {
			t.Errorf("%d events %s, want 1", n, act)
		}
	}
}

// count counts the events of an act.
func count(t *testing.T, w *world, act audit.Act) (n int) {
	t.Helper()
	if err := w.DB.As(pg.RoleWorker).Platform(t.Context(), func(tx *pg.Tx) error {
		return tx.QueryRow(t.Context(), `select count(*) from audit_event where act = $1`, act).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhoHasNoPlaceHere(t *testing.T) {
	w := newWorld(t)
	w.employ(t, "closed", "閉鎖 四郎", false, "mhlw.reviewer")
	w.employ(t, "idle", "無役 五郎", true)
	for subject, want := range map[string]string{"stranger": "職員として登録されていません", "closed": "利用を停止しています", "idle": "役割が割り当てられていません"} {
		t.Run(subject, func(t *testing.T) {
			v := w.visitor(t)
			w.login.set(func(l *login) { l.subject = subject })
			v.expect(v.post("/login", "to", "/"), http.StatusSeeOther, LoginCallback)
			a := v.get(LoginCallback + "?code=1")
			if subject == "idle" {
				a = v.get(v.expect(a, http.StatusSeeOther, "/").location)
			}
			v.says(a, http.StatusForbidden, want, "システム管理者に、アカウントの登録と役割の付与を依頼してください")
			v.expect(v.get("/"), http.StatusSeeOther, "/login")
		})
	}
	if n := count(t, w, audit.StaffRefused); n != 3 {
		t.Errorf("%d refusals recorded, want 3", n)
	}
}

func TestRolesEndAtOnce(t *testing.T) {
	w := newWorld(t)
	v := w.as(t, "reviewer")
	v.says(v.get("/"), http.StatusOK, "担当中の案件")
	w.employ(t, "reviewer", "審査 一郎", false)
	v.says(v.get("/"), http.StatusForbidden, "利用を停止しています")
}

func TestSeveralBodies(t *testing.T) {
	w := newWorld(t)
	w.employ(t, "both", "兼任 六郎", true, "mhlw.reviewer", "pref-41.reviewer")
	v := w.visitor(t)
	w.login.set(func(l *login) { l.subject = "both" })
	v.expect(v.post("/login", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/body?to=%2Fregister")
	v.expect(v.get("/register"), http.StatusSeeOther, "/body?to=%2Fregister")
	v.says(v.get("/body?to=/register"), http.StatusOK, "厚生労働省", "佐賀県", "審査")
	v.says(v.post("/body", "body", "pref-01"), http.StatusForbidden, "役割が割り当てられていません")
	v.expect(v.post("/body", "body", "pref-41", "to", "https://elsewhere.example/"), http.StatusSeeOther, "/")
	a := v.says(v.get("/"), http.StatusOK, "准看護師")
	v.silent(a, `value="shakai-fukushishi"`)
	if !strings.Contains(a.body, "佐賀県") {
		t.Error("the header does not name the body")
	}
}

func TestStepUpMustHold(t *testing.T) {
	w := newWorld(t)
	v := w.visitor(t)
	v.expect(v.get("/step-up"), http.StatusSeeOther, "/login")
	v.logIn("approver")
	v.says(v.get("/step-up?to=/register"), http.StatusOK, "2つ目の認証要素", "15分間")

	w.login.set(func(l *login) { l.weak = true })
	v.expect(v.post("/step-up", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/step-up?to=%2Fregister")
	w.login.set(func(l *login) { l.weak, l.refuse = false, fault.New(fault.StepUp, "", "no second factor") })
	v.expect(v.post("/step-up", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.expect(v.get(LoginCallback+"?code=1"), http.StatusSeeOther, "/step-up?to=%2Fregister")
	w.login.set(func(l *login) { l.refuse, l.subject = nil, "reviewer" })
	v.expect(v.post("/step-up", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.says(v.get(LoginCallback+"?code=1"), http.StatusForbidden, "別の人の確認")
	if n := count(t, w, audit.StaffStepUp); n != 0 {
		t.Errorf("%d confirmations recorded, want none", n)
	}
	w.login.set(func(l *login) { l.refuse = errors.New("the provider is down") })
	v.expect(v.post("/step-up", "to", "/register"), http.StatusSeeOther, LoginCallback)
	v.says(v.get(LoginCallback+"?code=1"), http.StatusInternalServerError, "照会番号")
	w.login.set(func(l *login) { l.refuse = nil })
	v.confirm("approver", "/register")
	if n := count(t, w, audit.StaffStepUp); n != 1 {
		t.Errorf("%d confirmations recorded, want 1", n)
	}
}

func TestStepUpEnds(t *testing.T) {
	w := newWorld(t)
	id := w.Proposed(t)
	w.Clock.Advance(time.Hour)
	v := w.as(t, "approver")
	v.expect(v.post("/cases/"+id+"/take"), http.StatusSeeOther, "/cases/"+id+"/decision")
	v.confirm("approver", "/cases/"+id+"/decision")
	w.Clock.Advance(StepUpFor)
	v.expect(v.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusSeeOther, "/step-up?to=")
	w.Clock.Advance(-StepUpFor - 10*time.Minute) // a clock set back does not make it fresh again
	v.expect(v.post("/cases/"+id+"/decision", "verb", "agree"), http.StatusSeeOther, "/step-up?to=")
}

func TestForeignPostsAreRefused(t *testing.T) {
	w := newWorld(t)
	v := w.as(t, "reviewer")
	a := v.do(http.MethodPost, "/next", "step=review", http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}})
	v.says(a, http.StatusForbidden, "別のサイトから送信されたため")
}
