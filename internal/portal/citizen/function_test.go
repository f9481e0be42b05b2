package citizen

import (
	"net/http"
	"testing"

	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// TestWhatTheRegistrarLeavesOut: the holder reads on each page what is not offered, since when and what to do instead; what is
// not offered cannot be sent either; what was made before is still there.
func TestWhatTheRegistrarLeavesOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, path := w.holds(t)
	v.get(path).want(200, "PDFで受け取る").lacks("この名簿で行っていないこと")
	v.fetchPDF(path + "/pdf")
	w.Unuse(t, qualification.Functions...)
	since := calendar.Of(w.Clock.Now()).In("ja") + "から"

	v.post(path+"/codes", inputShow, "UN").want(http.StatusConflict, "この形の資格者証を発行していません") // this process has not heard
	w.Hear(t)
	page := v.get(path).want(200, "この名簿で行っていないこと", "厚生労働省は、"+since+"PDFの資格者証の発行を行っていません", "ウォレットへの資格者証の発行", "証明書IDだけによる確認",
		"画面で見せられます", "これまでどおり確認できます", "以前に作ったPDF")
	page.lacks("PDFで受け取る", "ウォレットに追加する")
	v.get(path+"/pdf").want(200, "PDFをダウンロードする")
	v.get(path + "/pdf/file").want(200)
	v.get(path+"/choose").want(200, since+"渡すためのQRコードの作成を行っていません", "画面に表示する").lacks("登録が続く限り有効")
	v.get(path+"/screen").want(200, "まで有効")
	v.get("/en"+path).want(200, "What this register does not offer", "does not offer the PDF of a credential")
	v.get("/easy"+path).want(200, "ここでは できない こと")
}

// TestLackingInTheBrowser looks at each page that says so.
func TestLackingInTheBrowser(t *testing.T) {
	w := newWorld(t)
	_, path := w.holds(t)
	w.Unuse(t, qualification.Functions...)
	w.Hear(t)
	l := browse(t, w)
	l.tab.Open(l.base + "/login")
	l.tab.Click(`main form[action="/login"] button`)
	for _, page := range []struct{ name, path string }{{"lacking", path}, {"lacking-en", "/en" + path}, {"lacking-easy", "/easy" + path},
		{"lacking-pdf", path + "/pdf"}, {"lacking-wallet", path + "/wallet"}, {"lacking-choose", path + "/choose"}} {
		l.look(page.name, page.path)
	}
}

// TestNoPDFAtAll: without one from before, the page says that there is none and offers no button.
func TestNoPDFAtAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, path := w.holds(t)
	w.Unuse(t, qualification.FunctionPDF)
	v.post(path+"/pdf").want(http.StatusConflict, "この形の資格者証を発行していません")
	w.Hear(t)
	v.get(path+"/pdf").want(200, "PDFの資格者証の発行を行っていません", "画面で見せられます").lacks("PDFを作る")
}
