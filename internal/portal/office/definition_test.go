package office

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"akashi/internal/authoring"
)

// sent is a form that carries files, by input name.
func (v *visitor) sent(path string, inputs map[string]string) answer {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, content := range inputs {
		part, err := form.CreateFormFile(name, name+".yaml")
		if err == nil {
			_, err = part.Write([]byte(content))
		}
		if err != nil {
			v.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		v.t.Fatal(err)
	}
	return v.do(http.MethodPost, path, body.String(), http.Header{"Content-Type": {form.FormDataContentType()}})
}

// nextVersion is the text of the minister's licence under a new version.
func nextVersion(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer(`version: "2026-04-01.1"`, `version: "2027-04-01.1"`, "valid_from: 2026-04-01", "valid_from: 2027-04-01",
		"standard_days: 10", "standard_days: 20").Replace(string(licenceFiles(t)["national.yaml"]))
}

// TestAuthoring: an author loads a text, sees what is wrong, how it looks and what it changes, proposes; a second person with
// the second factor approves; before its day it is called back.
func TestAuthoring(t *testing.T) {
	w := planners(t)
	w.employ(t, "reviewer-only", "審査 専任", true, "mhlw.reviewer")
	v := w.as(t, "planner")
	v.says(v.get("/definitions"), http.StatusOK, "読み込まれた版はありません", "新しい版を読み込む")
	v.says(v.get("/definitions/new?from=national"), http.StatusOK, "今の版から始める資格", "National sample")
	v.says(v.sent("/definitions/new", map[string]string{"text": "  "}), http.StatusUnprocessableEntity, "ファイルを選ぶか、内容を貼り付けてください")
	broken := v.expect(v.sent("/definitions/new", map[string]string{"file": strings.Replace(nextVersion(t), "step: approval", "step: review", 1), "text": "x"}), http.StatusSeeOther, "/definitions/").location
	v.says(v.get(broken), http.StatusOK, "誤りが", "national.yaml: procedures[registration].routes[", "決裁する段階がありません")
	v.says(v.get("/en"+broken), http.StatusOK, "nobody approves")
	v.says(v.get("/easy"+broken), http.StatusOK, "決（き）める 人（ひと）が いません")
	v.silent(v.get(broken), "起案する")
	v.says(v.post(broken, "verb", "propose", "reason", "理由"), http.StatusUnprocessableEntity, "誤りがあるため、先へ進めません")
	v.expect(v.post(broken, "verb", "withdraw"), http.StatusSeeOther, broken)

	to := v.expect(v.sent("/definitions/new", map[string]string{"text": nextVersion(t)}), http.StatusSeeOther, "/definitions/").location
	v.says(v.get(to), http.StatusOK, "誤りはありません", "必須", "版 2026-04-01.1 から 2027-04-01.1 への変更", "最後まで版「2026-04-01.1」で処理します", "standard_days", "起案する")
	v.says(v.get(to+"/preview"), http.StatusOK, "全国見本", "登録", "デジタル資格者証の項目")
	v.says(v.get(to+"/preview/registration"), http.StatusOK, "内容の確認", "署名する宣言")
	v.says(v.post(to, "verb", "propose", "reason", ""), http.StatusUnprocessableEntity, "理由を500文字までで書いてください")
	v.expect(v.post(to, "verb", "propose", "reason", "処理期間の見直し"), http.StatusSeeOther, to)
	v.says(v.get(to), http.StatusOK, "起案しました", "決裁待ち", "取り下げる")
	v.silent(v.get(to), "承認する")

	for subject, want := range map[string]int{"other": http.StatusNotFound, "saga": http.StatusNotFound, "reviewer-only": http.StatusForbidden} {
		o := w.as(t, subject)
		if got := o.get(to).status; got != want {
			t.Errorf("%s gets %d, want %d", subject, got, want)
		}
	}
	d := w.as(t, "director")
	d.expect(d.post(to, "verb", "approve"), http.StatusSeeOther, "/step-up")
	d.confirm("director", to)
	d.expect(d.post(to, "verb", "approve"), http.StatusSeeOther, to)
	d.says(d.get(to), http.StatusOK, "承認済み", "反映の処理中です", "使い始める前に取り消す")
	d.expect(d.post(to, "verb", "recall", "reason", "施行の延期"), http.StatusSeeOther, to)
	d.says(d.get(to), http.StatusOK, "使用前に取消し", "施行の延期")
	d.says(d.get("/definitions"), http.StatusOK, "全国見本", "版 2027-04-01.1")
}

// TestPagesOfADefinition looks at the pages with a browser.
func TestPagesOfADefinition(t *testing.T) {
	w := planners(t)
	desk, o := authors(t, w.World), authoring.Officer{Staff: w.account(t, "planner"), Body: "mhlw"}
	clean, err := desk.Load(t.Context(), o, []byte(nextVersion(t)))
	if err != nil {
		t.Fatal(err)
	}
	broken, err := desk.Load(t.Context(), o, []byte(strings.Replace(nextVersion(t), "step: approval", "step: review", 2)))
	if err != nil {
		t.Fatal(err)
	}
	g := w.gallery(t)
	g.logIn("planner")
	g.look("definitions", "/definitions")
	g.look("definition-new", "/definitions/new?from=national")
	g.look("definition", textPath(clean))
	g.look("definition-broken", textPath(broken))
	g.look("definition-preview", textPath(clean, "preview"))
	g.look("definition-preview-form", textPath(clean, "preview", "registration"))
}
