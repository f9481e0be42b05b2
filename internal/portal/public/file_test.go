package public_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"akashi/internal/browser"
	"akashi/internal/casetest"
	"akashi/internal/format/cose"
	"akashi/internal/format/pades"
	"akashi/internal/verification"
)

// sealedIn is what a page carries of a result.
var sealedIn = regexp.MustCompile(`name="result" value="([^"]+)"`)

// again sends a sealed result back.
func (s *site) again(t testing.TB, path, sealed string) answer {
	t.Helper()
	return do(t, request(t, "POST", s.URL+path, "application/x-www-form-urlencoded", strings.NewReader(url.Values{"result": {sealed}}.Encode())))
}

// TestAPDF: a signed PDF is answered as its credential is, at every state; the result can be had in another language and on paper
// without sending the file again.
func TestAPDF(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	document := s.Document(t, nil)
	first := s.upload(t, document)
	first.has(t, "genuine", 200, `data-verdict="valid"`, "見本　花子", "看護師", "!2003", "改ざんなし", "顔写真付きの身分証明書", "別のファイルや資格者証を検証する", "!もう一度検証する")
	sealed := sealedIn.FindStringSubmatch(first.Body)
	if sealed == nil || strings.Contains(first.Body, `name="checkdata" value="`) {
		t.Fatalf("the page carries no sealed result: %s", first.Body)
	}
	s.again(t, "/en/w/verify", sealed[1]).has(t, "in English", 200, `data-verdict="valid"`, "Check who the person is", "見本　花子")
	s.again(t, "/w/receipt", sealed[1]).has(t, "on paper", 200, "資格者証の確認の控え", "有効です", "2026年（令和8年）12月1日 09:00", "見本　花子")
	s.again(t, "/w/receipt", sealed[1][:len(sealed[1])-4]+"AAAA").has(t, "forged", 422, "もう一度選んでください", "!花子")
	s.again(t, "/w/verify", "!").has(t, "no result", 422, "もう一度選んでください")
	s.Clock.Set(s.Clock.Now().Add(31 * time.Minute))
	s.again(t, "/w/receipt", sealed[1]).has(t, "half an hour later", 422, "30分が過ぎた", "!花子")
	for _, state := range []string{"suspended", "revoked"} {
		s.move(t, state)
		s.upload(t, document).has(t, state, 200, `data-verdict="`+state+`"`, "見本　花子")
	}
	s.Verifier.DB.Pool.Close()
	s.upload(t, document).has(t, "no register", http.StatusServiceUnavailable, `data-verdict="unknown"`, "!花子")
}

// TestPDFsThatAreNot: what is wrong with a PDF is said in words, and nothing that it says is shown.
func TestPDFsThatAreNot(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	document := s.Document(t, nil)
	for name, c := range map[string]struct {
		file  []byte
		code  int
		texts []string
	}{
		"changed":               {bytes.Replace(document, []byte("595 842"), []byte("595 843"), 1), 200, []string{`data-verdict="untrusted"`, "署名した後に、PDFの内容が書き換えられています", "!花子"}},
		"no record":             {s.Document(t, func(o *pades.Options) { o.Copy = "" }), 200, []string{`data-verdict="untrusted"`, "発行した記録が、登録簿にありません", "!花子"}},
		"not signed":            {casetest.Sheet(), 422, []string{"このPDFに電子署名はありません", `aria-invalid="true"`, "!data-verdict"}},
		"another kind":          {s.Document(t, func(o *pades.Options) { o.Credential = "" }), 422, []string{"資格者証のPDFではありません", "!data-verdict"}},
		"broken":                {[]byte("%PDF-1.7\n"), 422, []string{"PDFが壊れているか", "!data-verdict"}},
		"no file of any kind":   {[]byte{0, 1, 2, 3, 0xff}, 422, []string{"このファイルに資格者証は見つかりません", "!data-verdict"}},
		"text, no credential":   {[]byte("こんにちは"), 422, []string{"このファイルに資格者証は見つかりません", "!こんにちは"}},
		"a picture by its name": {[]byte("\x89PNG\r\n\x1a\nno"), 422, []string{"PNGまたはJPEGの画像として読めません"}},
	} {
		s.upload(t, c.file).has(t, name, c.code, c.texts...)
	}
}

// TestWalletFormsAsFiles: a credential that a holder took out of a wallet is checked as text and as a file.
func TestWalletFormsAsFiles(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	holder, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sd, document := s.SDJWT(t, &holder.PublicKey), s.MDoc(t, &holder.PublicKey)
	see := func(verdict string) {
		t.Helper()
		for name, a := range map[string]answer{"SD-JWT VC, pasted": s.post(t, "/w/verify", sd), "SD-JWT VC, file": s.upload(t, []byte(sd+"\n")),
			"mdoc, pasted": s.post(t, "/w/verify", verification.MDocText(document)), "mdoc, file": s.upload(t, document)} {
			a.has(t, name, 200, `data-verdict="`+verdict+`"`, "見本　花子", "看護師", "!2003", "もう一度検証する")
		}
	}
	see("valid")
	message, err := cose.ParseURL(s.Code)
	if err != nil {
		t.Fatal(err)
	}
	s.upload(t, message).has(t, "the message out of a QR code", 200, `data-verdict="valid"`, "見本　花子", "看護師")
	s.move(t, "suspended")
	see("suspended")
	s.upload(t, bytes.Replace(document, []byte("花子"), []byte("花美"), 1)).has(t, "changed", 200, `data-verdict="untrusted"`, "!花美")
}

// TestTheCounterTakesFiles: its script sends what it cannot read by itself, and gets the result as the API gives it.
func TestTheCounterTakesFiles(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	ask := func(file []byte) (r verification.Result) {
		t.Helper()
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("picture", "file")
		if err == nil {
			_, err = part.Write(file)
		}
		if err = errors.Join(err, form.Close()); err != nil {
			t.Fatal(err)
		}
		a := do(t, request(t, "POST", s.URL+"/w/check", form.FormDataContentType(), &body))
		if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.StatusCode != 200 {
			t.Fatalf("%d %v: %s", a.StatusCode, err, a.Body)
		}
		return r
	}
	if r := ask(s.Document(t, nil)); r.Verdict != verification.Valid {
		t.Errorf("a signed PDF: %+v", r)
	}
	if r := ask(casetest.Sheet()); r.Verdict != verification.Unreadable || r.Reason != string(pades.NotSigned) {
		t.Errorf("one without a signature: %+v", r)
	}
	if r := ask(nil); r.Verdict != verification.Unreadable {
		t.Errorf("nothing: %+v", r)
	}
}

// TestAFileInABrowser: a dropped PDF is chosen and not sent; the press sends it. A picture is read in the browser, and only
// its text is sent.
func TestAFileInABrowser(t *testing.T) {
	s := start(t, plenty)
	tab := browser.New(t)
	tab.Open(s.URL + "/")
	browser.Eval[bool](tab, `(() => {
		const data = new DataTransfer();
		data.items.add(new File(["%PDF-1.7"], "a.pdf", {type: "application/pdf"}));
		const zone = document.querySelector("ak-pick");
		zone.dispatchEvent(new DragEvent("dragover", {dataTransfer: data, bubbles: true, cancelable: true}));
		window.over = zone.hasAttribute("data-over");
		zone.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
		return true;
	})()`)
	if !browser.Eval[bool](tab, `window.over && !document.querySelector("ak-pick").hasAttribute("data-over") && document.querySelector("ak-pick input").files[0].name === "a.pdf"`) {
		t.Error("a dropped file is not chosen")
	}
	if tab.Path() != "/" {
		t.Error("a dropped file is sent before anybody presses the button")
	}
	look(t, tab, "file-chosen")
	dir := t.TempDir()
	for name, file := range map[string][]byte{"credential.pdf": s.Document(t, nil), "qr.png": picture(t, s.Code)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		tab.Open(s.URL + "/")
		tab.Upload("picture", path)
		tab.Press("ファイルを検証する")
		if want := map[string]string{"credential.pdf": "/w/file", "qr.png": "/w/verify"}[name]; tab.Path() != want || !tab.Has(`[data-verdict="valid"]`) {
			t.Errorf("%s led to %s, want %s: %s", name, tab.Path(), want, tab.Text("main"))
		}
		look(t, tab, "file-"+name)
	}
	plain := browser.New(t, browser.NoJS())
	plain.Open(s.URL + "/")
	plain.Upload("picture", filepath.Join(dir, "credential.pdf"))
	plain.Press("ファイルを検証する")
	if !plain.Has(`[data-verdict="valid"]`) {
		t.Errorf("without scripts the PDF led to %s", plain.Text("main"))
	}
	plain.Press("確認の控えを作る")
	if !strings.Contains(plain.Text("main"), "資格者証の確認の控え") {
		t.Errorf("without scripts there is no record: %s", plain.Text("main"))
	}
	look(t, plain, "file-record")
}
