package preview_test

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/portal/preview"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
	"akashi/internal/qualification/qualtest"
	"akashi/qualifications"
)

func TestCatalogue(t *testing.T) {
	uitest.CheckCatalogue(t, uitest.Catalogue(t, os.DirFS("text")), ".")
}

// draft is a definition whose author is at work: the text can change between two requests.
type draft struct {
	files map[string][]byte
	name  string
	err   error
	fixed *qualification.Definition // is given without reading
}

func (d *draft) read() (*qualification.Definition, qualification.Findings, error) {
	if d.err != nil {
		return nil, nil, d.err
	}
	if d.fixed != nil {
		return d.fixed, nil, nil
	}
	return qualification.ReadOne(d.files, d.name)
}

// serve runs the preview of a definition of the repository over HTTP, and returns the draft and a way to get a page.
func serve(t *testing.T, name string) (*draft, func(path string, status int) string) {
	t.Helper()
	files, err := qualification.ReadFiles(qualifications.Files)
	if err != nil {
		t.Fatal(err)
	}
	own, err := qualtest.Some(files, strings.TrimSuffix(name, ".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	catalogue, err := qualification.LoadFiles(own)
	if err != nil {
		t.Fatal(err)
	}
	d := &draft{files: maps.Clone(files), name: name}
	h, err := preview.New(preview.Config{Origin: "http://127.0.0.1", Read: d.read, Registrar: catalogue.Registrar, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return d, func(path string, status int) string {
		t.Helper()
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != status {
			t.Fatalf("%s: %d %v, want %d\n%s", path, answer.StatusCode, err, status, body)
		}
		return string(body)
	}
}

func wantWords(t *testing.T, path, body string, words ...string) {
	t.Helper()
	for _, want := range words {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %q\n%s", path, want, body)
		}
	}
}

// TestEveryPageOfEveryProcedure draws all of some definitions, among them ones with classes, fees by prefecture and a term.
func TestEveryPageOfEveryProcedure(t *testing.T) {
	for _, id := range []string{"kangoshi", "jun-kangoshi", "shakai-fukushishi", "ginoshi", "chorishi"} {
		d, get := serve(t, id+".yaml")
		definition, _, err := d.read()
		if err != nil || definition == nil {
			t.Fatalf("%s: %v", id, err)
		}
		d.fixed = definition
		for _, lang := range []string{"", "/en", "/easy"} {
			body := get(lang+"/", http.StatusOK)
			wantWords(t, id+lang, body, "<dt>CN</dt>", "<dt>UN</dt>")
			for i := range definition.Procedures {
				p := &definition.Procedures[i]
				path := lang + "/procedures/" + p.ID
				body := get(path, http.StatusOK)
				for j := range p.Groups {
					wantWords(t, path, body, `data-page="`+p.Groups[j].ID+`"`)
					for k := range p.Groups[j].Fields {
						wantWords(t, path, body, p.Groups[j].Fields[k].ID)
					}
				}
			}
		}
	}
}

// TestWhatAnAuthorSees: words in each language, sample values, costs, the declaration; and an edit at once.
func TestWhatAnAuthorSees(t *testing.T) {
	d, get := serve(t, "kangoshi.yaml")
	wantWords(t, "overview", get("/", http.StatusOK), "定義に誤りはありません", "看護師", "見本　花子", "厚生労働大臣")
	wantWords(t, "registration", get("/procedures/registration", http.StatusOK), "見本の値（resident.name）", "9,000円", "私は、看護師の免許を申請します", "1990年")
	wantWords(t, "in English", get("/en/procedures/registration", http.StatusOK), "Sample value (resident.name)", "I apply for the licence (Nurse)")
	wantWords(t, "in plain Japanese", get("/easy/procedures/registration", http.StatusOK), "<rt>かんごし</rt>")

	whole := string(d.files[d.name])
	d.files[d.name] = []byte(strings.Replace(whole, "ja: 看護師国家試験", "ja: 新しい看護師国家試験", 1))
	wantWords(t, "after an edit", get("/procedures/registration", http.StatusOK), "新しい看護師国家試験")
	d.files[d.name] = []byte(strings.Replace(whole, "opens_on: 2026-04-01", "opens_on: 2026-04-01, closed_on: 2026-03-01", 1))
	wantWords(t, "with a mistake", get("/procedures/registration", http.StatusOK), "指摘が1件", "kangoshi.yaml: registers[0].closed_on", "「opens_on」より前の日になっています", "9,000円")
	d.files[d.name] = []byte(strings.Replace(whole, "kana: かんごし", "kana: 看護師", 1))
	for _, path := range []string{"/", "/procedures/registration"} {
		wantWords(t, "not to be understood", get(path, http.StatusOK), "定義を読み取れません", "kangoshi.yaml: kana</code>", "「看護師」は決められた形ではありません")
	}
}

// TestWhatCannotBeShown: why there are no costs and no credential is said in the author's language.
func TestWhatCannotBeShown(t *testing.T) {
	d, get := serve(t, "kangoshi.yaml")
	for name, pair := range map[string][2]string{
		"bases/national.yaml": {"{amount: 9000,", "{channels: [counter], amount: 9000,"},
		"bases/common.yaml":   {"UN: item.name", "UN: item.none"},
	} {
		whole := string(d.files[name])
		if !strings.Contains(whole, pair[0]) {
			t.Fatalf("%s has no %s", name, pair[0])
		}
		d.files[name] = []byte(strings.Replace(whole, pair[0], pair[1], 1))
	}
	wantWords(t, "costs", get("/procedures/registration", http.StatusOK), "<p>「tax」に当てはまる規則がありません（登録機関「mhlw」、申請方法「online」）。条件のない規則を加えてください</p>")
	wantWords(t, "costs in English", get("/en/procedures/registration", http.StatusOK), "<p>tax has no rule for registrar &#34;mhlw&#34;, channel &#34;online&#34;; add one without condition</p>")
	wantWords(t, "credential", get("/", http.StatusOK), "<p>「UN」に入れる値「item.none」が空です。値のある項目を指定するか")
}

func TestWhatIsNotThere(t *testing.T) {
	d, get := serve(t, "kangoshi.yaml")
	get("/procedures/none", http.StatusNotFound)
	get("/elsewhere", http.StatusNotFound)
	d.err = fault.New(fault.Internal, "", "reading the draft")
	get("/", http.StatusInternalServerError)
	if _, err := preview.New(preview.Config{}); err == nil || errors.Is(err, fault.Internal) {
		t.Errorf("without a way to read: got %v, want an error that says so", err)
	}
}
