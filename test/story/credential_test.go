package story

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akashi/internal/browser"
	"akashi/internal/demo"
	"akashi/internal/govsim/world"
)

// TestCredential follows one credential through its life in the hands of its holder, with a phone, and of an employer, with a
// camera: shown, handed out as a signed PDF, stopped at once and allowed again, made anew, revoked. All forms of it say the same at
// every point.
func TestCredential(t *testing.T) {
	h := open(t)
	holder := h.visit(t, "holder", "ja", browser.Width(390))
	id := holder.applies("hanako", registrationOfNurse, nurseAnswers())
	reviewer := h.visit(t, "credential-reviewer", "ja")
	reviewer.worksAs("mhlw-reviewer-1", "/")
	reviewer.proposes(id)
	approver := h.visit(t, "credential-approver", "ja")
	approver.worksAs("mhlw-approver-1", "/")
	approver.decides("mhlw-approver-1", id, unseen)

	employer := employer{h.visit(t, "credential-employer", "ja"), map[string]bool{}}
	path := holder.opensCredential()
	employer.scans(holder.turnsTheScreen(path), "valid")
	employer.look("camera-valid")
	forms := handed{code: holder.printsACode(path), pdf: holder.fetchesPDF(path)}
	forms.number = employer.say("valid", forms)

	holder.stopsAtOnce(path)
	employer.say("suspended", forms)
	holder.lifts(path)
	employer.say("valid", forms)

	holder.renews(path)
	employer.say("replaced", forms)
	newer := handed{code: holder.printsACode(path), pdf: holder.fetchesPDF(path)}
	newer.number = employer.say("valid", newer)
	employer.asksToBeTold(holder.text(path))
	holder.letsThemKnow()

	keeper := h.visit(t, "credential-keeper", "ja")
	number, text, entry := holder.number(), holder.text(path), ""
	keeper.searches(number)
	entry = keeper.Path()
	approver.decides("mhlw-approver-1", keeper.measures("suspend", number, "until.year", "2027", "until.month", "3", "until.day", "31"), approver.see)
	employer.wasTold(1, "停止", newer.number)
	employer.say("suspended", newer)
	everybodyReads(holder, employer.visitor, path, text, "suspended", map[string]string{"ja": "2027年（令和9年）3月31日", "en": "31 March 2027", "easy": "2027年3月31日"})
	keeper.goes(demo.OfficePortal, entry)
	keeper.see("entry-suspended")
	keeper.alsoIn("entry-suspended", func() { keeper.goes(demo.OfficePortal, entry) })
	keeper.goes(demo.OfficePortal, entry)

	approver.decides("mhlw-approver-1", keeper.measures("revoke", number, "confirm", "yes"), unseen)
	employer.wasTold(2, "取消・抹消", newer.number)
	everybodyReads(holder, employer.visitor, path, text, "revoked", nil)
	employer.say("revoked", newer)
	employer.say("replaced", forms)
	for _, page := range []string{"/screen", "/choose", "/stop", "/lift", "/renew"} {
		if holder.goes(demo.CitizenPortal, path+page); holder.Path() != path {
			t.Errorf("%s of a revoked credential leads to %s", page, holder.Path())
		}
	}
}

// everybodyReads has the holder look at the credential's page, and the employer at the result of a check and its record, in every
// language. Each of them says the words.
func everybodyReads(holder, employer *visitor, path, text, verdict string, words map[string]string) {
	says := func(v *visitor) {
		v.t.Helper()
		if !strings.Contains(v.Text("main"), words[v.lang]) {
			v.t.Errorf("in %q %s does not say %q: %s", v.lang, v.Path(), words[v.lang], v.Text("main"))
		}
	}
	for _, lang := range []string{"en", "easy", "ja"} {
		holder.lang, employer.lang = lang, lang
		holder.goes(demo.CitizenPortal, "/credentials")
		holder.look("credentials-" + verdict)
		says(holder)
		holder.goes(demo.CitizenPortal, path)
		holder.look("credential-" + verdict)
		says(holder)
		employer.checks(text)
		employer.expects(verdict)
		employer.see("result-" + verdict)
		says(employer)
		employer.Click(`main button[formaction$="/w/receipt"]`)
		employer.see("record-" + verdict)
		says(employer)
	}
}

// handed is what an employer has of a credential.
type handed struct {
	code   image.Image // a printed QR code
	pdf    []byte
	number string
}

// employer looks at a page in each state once.
type employer struct {
	*visitor
	looked map[string]bool
}

func (e employer) look(name string) {
	e.t.Helper()
	if !e.looked[name] {
		e.visitor.look(name)
	}
	e.looked[name] = true
}

// look is see for somebody with a phone: the window stays narrow.
func (v *visitor) look(name string) {
	v.t.Helper()
	v.see(name)
	v.SetWidth(390)
}

// opensCredential comes to the page of the only credential.
func (v *visitor) opensCredential() (path string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/credentials")
	v.look("credentials")
	v.Click(`main .cz-cards a`)
	v.look("credential")
	return v.Path()
}

// turnsTheScreen shows the code on the phone, and returns what somebody opposite sees of it.
func (v *visitor) turnsTheScreen(path string) image.Image {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/screen"]`)
	v.look("screen")
	return v.photographs(".cz-qr")
}

// printsACode leaves the name in and the birth date out, and returns the code for handing out.
func (v *visitor) printsACode(path string) image.Image {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/choose"]`)
	v.look("choose")
	v.Click(`main button[formaction$="/codes"]`)
	v.look("code")
	return v.photographs(".cz-qr")
}

// photographs takes a picture of an element, twice as large as on a plain screen.
func (v *visitor) photographs(css string) image.Image {
	v.t.Helper()
	file := filepath.Join(v.t.TempDir(), "screen.png")
	v.Screenshot(file, 390)
	raw, err := os.ReadFile(file)
	if err != nil {
		v.t.Fatal(err)
	}
	whole, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		v.t.Fatal(err)
	}
	box := browser.Eval[[]int](v.Tab, fmt.Sprintf(`(r => [r.left + scrollX, r.top + scrollY, r.right + scrollX, r.bottom + scrollY].map(Math.round))(document.querySelector(%q).getBoundingClientRect())`, css))
	part := image.Rect(box[0], box[1], box[2], box[3])
	const scale, margin = 2, 40
	picture := image.NewRGBA(image.Rect(0, 0, part.Dx()*scale+2*margin, part.Dy()*scale+2*margin))
	draw.Draw(picture, picture.Rect, image.White, image.Point{}, draw.Src)
	for y := range part.Dy() * scale {
		for x := range part.Dx() * scale {
			picture.Set(x+margin, y+margin, whole.At(part.Min.X+x/scale, part.Min.Y+y/scale))
		}
	}
	return picture
}

// fetchesPDF has the PDF made, and downloads it.
func (v *visitor) fetchesPDF(path string) []byte {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/pdf"]`)
	v.look("pdf")
	v.Click(`main form[action$="/pdf"] button[type=submit]`)
	v.house.work(v.t)
	v.goes(demo.CitizenPortal, path+"/pdf")
	v.look("pdf-ready")
	encoded := browser.Eval[string](v.Tab, `fetch(document.querySelector('main a[href$="/pdf/file"]').href).then(r => r.bytes()).then(b => b.toBase64())`)
	pdf, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !bytes.HasPrefix(pdf, []byte("%PDF-")) {
		v.t.Fatalf("the download is no PDF: %.20q, error %v", pdf, err)
	}
	return pdf
}

// text is what the QR code on the page of the credential says.
func (v *visitor) text(path string) string {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	return v.codeOnPage()
}

// keyOfHospital is the key in the command that the start page shows.
var keyOfHospital = regexp.MustCompile(`Bearer (akv_[a-z0-9_]+)`)

// asksToBeTold asks over the API, as the start page says, to be told of changes of a credential.
func (e employer) asksToBeTold(code string) {
	e.t.Helper()
	e.goes(demo.StartPage, "/")
	e.visitor.look("start")
	key := keyOfHospital.FindStringSubmatch(e.Text("pre"))
	if key == nil {
		e.t.Fatalf("the start page shows no key: %s", e.Text("pre"))
	}
	wish, err := json.Marshal(map[string]string{"credential": code, "purpose": "採用後の資格の確認", "until": "2027-11-30", "ref": "staff-17"})
	if err != nil {
		e.t.Fatal(err)
	}
	ask, err := http.NewRequestWithContext(e.t.Context(), http.MethodPost, e.house.URL(demo.API)+"/v1/watches", bytes.NewReader(wish))
	if err != nil {
		e.t.Fatal(err)
	}
	ask.Header.Set("Authorization", "Bearer "+key[1])
	ask.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(ask)
	if err != nil {
		e.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		said, _ := io.ReadAll(answer.Body)
		e.t.Fatalf("asking to be told answers %d: %s", answer.StatusCode, said)
	}
	e.house.work(e.t)
}

// letsThemKnow lets the hospital be told.
func (v *visitor) letsThemKnow() {
	v.t.Helper()
	v.goes(demo.CitizenPortal, "/watches")
	v.look("watches")
	v.Click(`main .cz-cards a`)
	v.look("watch")
	v.Click(`main button[name="then"][value="granted"]`)
	v.house.work(v.t)
	v.look("watch-granted")
}

// wasTold sees that as many signed notifications have come, one of them of this: the start page lists only those whose signature holds.
func (e employer) wasTold(times int, state, number string) {
	e.t.Helper()
	e.goes(demo.StartPage, "/")
	rows := e.Texts(".demo-more tbody tr")
	if len(rows) != times || !slices.ContainsFunc(rows, func(row string) bool { return strings.Contains(row, state) && strings.Contains(row, number) }) {
		e.t.Errorf("the hospital was told %q, want %d times, and %s of %s", rows, times, state, number)
	}
	e.visitor.look("start-told")
}

// stopsAtOnce takes one press after the page that explains it, with no other login.
func (v *visitor) stopsAtOnce(path string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/stop"]`)
	v.look("stop")
	v.Submit()
	v.look("stopped")
}

// lifts is asked to log in again, and then lifts the stop.
func (v *visitor) lifts(path string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/lift"]`)
	v.logsInAgain(path + "/lift")
	v.look("lift")
	v.Submit()
	v.look("lifted")
}

// renews has the credential made anew after a loss.
func (v *visitor) renews(path string) {
	v.t.Helper()
	v.goes(demo.CitizenPortal, path)
	v.Click(`main a[href$="/renew"]`)
	if v.Path() != path+"/renew" {
		v.logsInAgain(path + "/renew")
	}
	v.look("renew")
	v.Submit()
	v.house.work(v.t)
	v.goes(demo.CitizenPortal, path)
	v.look("renewed")
}

// logsInAgain passes the login that an act asks for, and comes back to it.
func (v *visitor) logsInAgain(to string) {
	v.t.Helper()
	if !strings.HasSuffix(v.Path(), "/login/again") {
		v.t.Fatalf("the act did not ask for a fresh login: %s", v.Path())
	}
	v.look("login-again")
	v.Click(loginButton)
	v.passesCard("hanako", world.PIN)
	v.SetWidth(390)
	if v.Path() != to {
		v.t.Fatalf("the fresh login leads to %s, want %s", v.Path(), to)
	}
}

// scans holds a picture before the camera of the verification page.
func (v *visitor) scans(picture image.Image, want string) {
	v.t.Helper()
	browser.ShowToCamera(v.t, picture)
	v.goes(demo.PublicPortal, "/")
	v.SetWidth(390)
	v.Wait(`!document.querySelector("ak-scan").hidden`)
	v.Leave("ak-scan [data-start]")
	v.expects(want)
}

// say checks every form that the employer has, sees that all say the same, and returns the number of the credential.
func (v employer) say(want string, forms handed) (number string) {
	v.t.Helper()
	v.scans(forms.code, want)
	v.look("scanned-" + want)
	number = numbers.FindString(v.Text("main"))
	v.drops(forms.pdf)
	v.expects(want)
	v.look("pdf-" + want)
	if got := numbers.FindString(v.Text("main")); got != number || number == "" {
		v.t.Errorf("the PDF is of %q, and the code of %q", got, number)
	}
	v.goes(demo.PublicPortal, "/")
	v.Fill("number", number)
	v.Click(`main form[action$="/w/number"] button[type=submit]`)
	if want == "valid" {
		want = "conditional" // whoever has a number alone has seen no credential
	}
	v.expects(want)
	v.look("number-" + want)
	return number
}

// drops drops a PDF onto the verification page and presses the button.
func (v *visitor) drops(pdf []byte) {
	v.t.Helper()
	v.goes(demo.PublicPortal, "/")
	v.SetWidth(390)
	dropped := browser.Eval[bool](v.Tab, fmt.Sprintf(`(() => {
		const data = new DataTransfer();
		data.items.add(new File([Uint8Array.fromBase64(%q)], "credential.pdf", {type: "application/pdf"}));
		const zone = document.querySelector("ak-pick");
		for (const kind of ["dragenter", "dragover", "drop"]) zone.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
		return zone.querySelector("input[type=file]").files.length === 1 && document.activeElement.type === "submit";
	})()`, base64.StdEncoding.EncodeToString(pdf)))
	if !dropped {
		v.t.Fatal("the dropped file is not chosen")
	}
	v.Click(`main form[action$="/w/file"] button[type=submit]`)
}
