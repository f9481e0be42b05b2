package public_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/browser"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
)

// scene is what a camera sees: a code on a desk.
func scene(t testing.TB, text string) image.Image {
	t.Helper()
	code, err := png.Decode(bytes.NewReader(picture(t, text)))
	if err != nil {
		t.Fatal(err)
	}
	side := max(code.Bounds().Dx(), code.Bounds().Dy())
	desk := image.NewGray(image.Rect(0, 0, (side+80)*4/3, side+80))
	draw.Draw(desk, desk.Bounds(), image.NewUniform(color.Gray{Y: 190}), image.Point{}, draw.Src)
	at := image.Pt((desk.Bounds().Dx()-code.Bounds().Dx())/2, 40)
	draw.Draw(desk, code.Bounds().Add(at), code, image.Point{}, draw.Src)
	return desk
}

// TestTheCameraReads scans a code on the first page: the visitor sees the result, and before that nothing is sent.
func TestTheCameraReads(t *testing.T) {
	s := start(t, plenty)
	browser.ShowToCamera(t, scene(t, "https://example.jp/menu"))
	tab := browser.New(t)
	tab.Open(s.URL + "/")
	tab.Wait(`!document.querySelector("ak-scan").hidden`)
	look(t, tab, "camera")
	tab.Click("ak-scan [data-start]")
	tab.Wait(`document.querySelector("ak-scan [role=status]").textContent.includes("資格者証のQRコードではありません")`)
	look(t, tab, "camera-other")
	tab.Click("ak-scan [data-stop]")
	browser.ShowToCamera(t, scene(t, s.Code))
	tab.Leave("ak-scan [data-start]")
	if tab.Path() != "/w/verify" || !tab.Has(`[data-verdict="valid"]`) || !strings.Contains(tab.Text("main"), "見本") {
		t.Errorf("the scan led to %s: %s", tab.Path(), tab.Text("main"))
	}
}

// TestTheCounter checks several, one after the other, and goes on without a network, even when the page is loaded again.
func TestTheCounter(t *testing.T) {
	s := start(t, plenty)
	browser.ShowToCamera(t, scene(t, s.Code))
	tab := browser.New(t)
	tab.Open(s.URL + "/counter/")
	tab.Wait(`document.querySelector("ak-counter").hasAttribute("data-kept") && document.querySelector("[data-line]").dataset.state === "online"`)
	look(t, tab, "counter")
	verdict := `document.querySelector("[data-result] .ak-result")?.dataset.verdict`
	tab.Click("ak-scan [data-start]")
	tab.Wait(verdict + ` === "valid"`)
	look(t, tab, "counter-valid")
	tab.Click("ak-scan [data-stop]")
	enter := func(text string) {
		t.Helper()
		browser.Eval[bool](tab, fmt.Sprintf(`(form => { form.elements.namedItem("checkdata").value = %q; form.requestSubmit(); return true; })(document.querySelector("[data-typed]"))`, text))
	}
	enter(s.changed(t, "見本", "見木"))
	tab.Wait(verdict + ` === "untrusted"`)
	if words := tab.Text("[data-result]"); strings.Contains(words, "花子") {
		t.Errorf("an altered credential shows its facts: %s", words)
	}
	s.suspendUntil(t, s.Today().AddDays(90))
	enter(s.Code)
	tab.Wait(verdict + ` === "suspended"`)
	look(t, tab, "counter-suspended")
	for _, words := range []string{"業務停止中（2026年（令和8年）12月1日から2027年（令和9年）3月1日まで）", "期間は2027年（令和9年）3月1日までです"} {
		if said := tab.Text("[data-result]"); !strings.Contains(said, words) {
			t.Errorf("of a suspension with a last day the counter does not say %q: %s", words, said)
		}
	}
	if lines := tab.Texts("[data-history] li"); len(lines) != 3 || !strings.Contains(lines[2], "看護師　見本　花子") {
		t.Errorf("the history is %q", lines)
	}
	enter("これは違います")
	tab.Wait(`document.querySelector("[data-result]").textContent.includes("資格者証が含まれていません")`)
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, picture(t, s.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	tab.Upload("picture", file)
	tab.Wait(verdict + ` === "suspended"`)

	s.door.cut.Store(true)
	tab.Reload()
	tab.Wait(`document.querySelector("[data-line]")?.dataset.state === "offline"`)
	if lines := tab.Texts("[data-history] li"); len(lines) != 0 {
		t.Errorf("results outlive the page: %q", lines)
	}
	enter(s.Code)
	tab.Wait(verdict + ` === "unknown"`)
	look(t, tab, "counter-offline")
	if words := tab.Text("[data-result]"); !strings.Contains(words, "この形式のQRコードは") || !strings.Contains(words, "見本　花子") {
		t.Errorf("without a network: %s", words)
	}
	enter(s.changed(t, "見本", "見木"))
	tab.Wait(verdict + ` === "untrusted"`)
	enter(s.Code + "#c=" + strings.Repeat("A", 40))
	tab.Wait(`document.querySelector("[data-result]").textContent.includes("資格者証が含まれていません")`)
	tab.Click("[data-forget] button")
	if lines := tab.Texts("[data-history] li"); len(lines) != 0 {
		t.Errorf("cleared, and still there: %q", lines)
	}
	s.door.cut.Store(false)
	tab.Forgive()
}

// TestTheCounterGoesByAList: a code with a place in a status list is checked without a network, by the list that was fetched when
// the first code of that list was met: in force with the condition that the list is of a moment, suspended when the list says so.
func TestTheCounterGoesByAList(t *testing.T) {
	s := start(t, plenty)
	held, err := s.Wallet.List(t.Context(), s.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	e := held[0].Entry
	code, err := s.Wallet.Compact(t.Context(), s.Nurse, e.RegisterID, e.ID, []string{cose.HolderName}, s.URL+"/w/")
	if err != nil {
		t.Fatal(err)
	}
	publisher := credential.NewPublisher(credential.PublisherConfig{DB: s.DB.As(pg.RoleStatus), Catalogue: s.Catalogue, Sign: s.Issuer.Sign, StatusBase: s.URL + "/status"})
	publish := func() {
		t.Helper()
		if _, err := publisher.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	tab := browser.New(t)
	tab.Open(s.URL + "/counter/")
	tab.Wait(`document.querySelector("ak-counter").hasAttribute("data-kept") && document.querySelector("[data-line]").dataset.state === "online"`)
	enter := func(want string) {
		t.Helper()
		browser.Eval[bool](tab, fmt.Sprintf(`(form => { form.elements.namedItem("checkdata").value = %q; form.requestSubmit(); return true; })(document.querySelector("[data-typed]"))`, code.Text))
		tab.Wait(fmt.Sprintf(`document.querySelector("[data-result] .ak-result")?.dataset.verdict === %q`, want))
	}
	const met = `caches.match("/counter/trust.json").then(a => a?.json()).then(t => Object.keys(t?.lists ?? {}).join())`
	enter("valid")
	tab.Wait(met + `.then(kept => kept !== "")`) // it is kept after the answer is shown
	if got := browser.Eval[string](tab, met); got != "KGMH/1" {
		t.Errorf("the lists that are kept are %q", got)
	}
	s.door.cut.Store(true)
	tab.Reload()
	tab.Wait(`document.querySelector("[data-line]")?.dataset.state === "offline"`)
	enter("conditional")
	look(t, tab, "counter-offline-list")
	if words := tab.Text("[data-result]"); !strings.Contains(words, "現在の状態の一覧で確認しました") || !strings.Contains(words, "見本　花子") {
		t.Errorf("by the list: %s", words)
	}
	s.door.cut.Store(false)
	if err := s.Wallet.Suspend(t.Context(), s.Nurse, e.RegisterID, e.ID); err != nil {
		t.Fatal(err)
	}
	publish()
	tab.Reload()
	tab.Wait(`document.querySelector("[data-line]")?.dataset.state === "online"`)
	s.door.cut.Store(true)
	enter("suspended")
	look(t, tab, "counter-offline-suspended")
	if words := tab.Text("[data-result]"); !strings.Contains(words, "停止がいつまでかは一覧に載っていません") || !strings.Contains(words, "本人または発行元にお尋ねください") {
		t.Errorf("suspended by the list: %s", words)
	}
	// Six minutes later the list is older than its ttl, and says nothing any more.
	browser.Eval[bool](tab, `(document.querySelector("ak-counter").skew += 6 * 60000, true)`)
	enter("unknown")
	if words := tab.Text("[data-result]"); !strings.Contains(words, "状態の一覧がないか古いため") {
		t.Errorf("by an old list: %s", words)
	}
	s.door.cut.Store(false)
	tab.Forgive()
}
