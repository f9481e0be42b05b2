package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"akashi/internal/api"
	"akashi/internal/calendar"
	"akashi/internal/qualification"
)

// frozen are the digests of the descriptions that are never changed again. A new version adds the digest of the one before.
var frozen = map[string]string{
	"2026-11-01": "60f274109c092e19c9dd7ec6344fec61c6572eea50260e3b0b8235c3fb7917d9",
	"2026-12-01": "1aca52b76342afe93df376704c42e595cc7f324c2193ee5c987de8db209695b8",
}

// TestFrozenDescriptions: every version but the newest is described by bytes that stay what they are, and is served under its date.
func TestFrozenDescriptions(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	dates := api.Versions()
	if !slices.IsSorted(dates) || len(frozen) != len(dates)-1 {
		t.Errorf("%v, of which %d are frozen", dates, len(frozen))
	}
	for _, date := range dates {
		text, ok := api.Described(date)
		if !ok {
			t.Fatalf("%s has no description", date)
		}
		sum := sha256.Sum256(text)
		if want, old := frozen[date]; old && hex.EncodeToString(sum[:]) != want {
			t.Errorf("the description of %s was changed: it is frozen; its digest is %x", date, sum)
		}
		for _, at := range []string{"/openapi/" + date + ".json", "/openapi/" + date} {
			if a := s.do(t, "GET", at, ""); a.StatusCode != 200 || a.Body != string(text) || a.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d", at, a.StatusCode)
			}
		}
		var d struct {
			OpenAPI string
			Info    struct{ Version string }
		}
		if err := json.Unmarshal(text, &d); err != nil || d.OpenAPI != "3.1.0" || d.Info.Version != date {
			t.Errorf("%s describes itself as %+v, %v", date, d, err)
		}
	}
	for _, other := range []string{"2026-11-02.json", "..%2fopenapi.json", "latest"} {
		if a := s.do(t, "GET", "/openapi/"+other, ""); a.StatusCode != 404 {
			t.Errorf("%s: %d", other, a.StatusCode)
		}
	}
}

// variable is what differs between two runs: ids and times.
var variable = regexp.MustCompile(`KGMH-[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+09:00)|"id":"[^"]+"|"wallet_link":"[^"]+"`)

// TestAnswersOfVersions: what a version answers stays what it is, byte by byte, and fits its own description. AKASHI_GOLDEN=write writes
// the expected answers of a version that has none yet; those that are there are never written over.
func TestAnswersOfVersionsGolden(t *testing.T) {
	t.Parallel()
	a := startReading(t)
	since := calendar.Of(a.Clock.Now())
	acts := append(slices.Clone(a.Catalogue.Acts().Of("kangoshi")), qualification.Act{ID: "original", Kind: qualification.ActOriginal, Qualification: "kangoshi", On: since})
	a.Catalogue.UseActs(qualification.NewActs(1, acts))
	held, err := a.Wallet.List(t.Context(), a.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatal(err)
	}
	if a.Code, err = held[0].Credential.URL("https://check.example/w/"); err != nil {
		t.Fatal(err)
	}
	asked := a.ask(t, `{}`)
	if _, err := a.only(0).Present(t.Context(), asked.WalletLink); err != nil {
		t.Fatal(err)
	}
	verify := func(text string) func(version ...string) answer {
		body, err := json.Marshal(map[string]string{"credential": text})
		if err != nil {
			t.Fatal(err)
		}
		return func(version ...string) answer {
			return a.do(t, "POST", "/v1/verifications", string(body), append([]string{"Content-Type", "application/json"}, version...)...)
		}
	}
	for name, c := range map[string]struct {
		ask    func(version ...string) answer
		path   string
		method string
	}{
		"valid":      {verify(a.Code), "/v1/verifications", "post"},
		"tampered":   {verify(changed(t, a.Code, "見本", "見木")), "/v1/verifications", "post"},
		"unreadable": {verify("こんにちは"), "/v1/verifications", "post"},
		"malformed": {func(version ...string) answer {
			return a.do(t, "POST", "/v1/verifications", `{"credential": 1}`, append([]string{"Content-Type", "application/json"}, version...)...)
		}, "/v1/verifications", "post"},
		"presentation": {func(version ...string) answer { return a.do(t, "GET", "/v1/presentations/"+asked.ID, "", version...) }, "/v1/presentations/{id}", "get"},
	} {
		for _, date := range api.Versions() {
			got := c.ask(api.FieldVersion, date)
			if got.Header.Get(api.FieldVersion) != date {
				t.Errorf("%s of %s: answered as %q", name, date, got.Header.Get(api.FieldVersion))
			}
			fits(t, date, c.path, c.method, got)
			compare(t, filepath.Join("testdata", "answers", date, name+".json"), variable.ReplaceAllString(got.Body, "…"))
		}
		none := c.ask()
		if first := c.ask(api.FieldVersion, api.Versions()[0]); none.Header.Get(api.FieldVersion) != api.Versions()[0] || variable.ReplaceAllString(none.Body, "…") != variable.ReplaceAllString(first.Body, "…") {
			t.Errorf("%s: who names no version gets %s", name, none.Body)
		}
	}
	valid := verify(a.Code)
	if body := valid(api.FieldVersion, api.Newest()).Body; !strings.Contains(body, `"legal_original_since":"`+since.String()+`"`) {
		t.Errorf("the newest does not say since when it is the original: %s", body)
	}
	if body := valid().Body; strings.Contains(body, "legal_original") {
		t.Errorf("the first says it: %s", body)
	}
	for _, other := range []string{"2026-11-02", "latest", "2026-12-01, 2026-11-01"} {
		got := valid(api.FieldVersion, other)
		got.problem(t, other, http.StatusBadRequest, "2026-11-01, 2026-12-01, 2026-12-15")
		if got.Header.Get(api.FieldVersion) != api.Newest() {
			t.Errorf("%s: told %q", other, got.Header.Get(api.FieldVersion))
		}
	}
}

// compare compares with an expected answer, which is written only where there is none.
func compare(t *testing.T, path, got string) {
	t.Helper()
	want, err := os.ReadFile(path)
	if os.IsNotExist(err) && os.Getenv("AKASHI_GOLDEN") == "write" {
		if err = os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
			err = os.WriteFile(path, []byte(got), 0o644)
		}
		want = []byte(got)
	}
	if err != nil || string(want) != got {
		t.Errorf("%s: %v\ngot  %s\nwant %s", path, err, got, want)
	}
}

// fits compares an answer with the schema that the version's own description has for it.
func fits(t *testing.T, date, path, method string, a answer) {
	t.Helper()
	text, _ := api.Described(date)
	description, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", description); err != nil {
		t.Fatal(err)
	}
	status, media := "200", "application~1json"
	if a.StatusCode != 200 {
		status, media = "422", "application~1problem+json"
	}
	schema, err := c.Compile("openapi.json#/paths/" + strings.ReplaceAll(path, "/", "~1") + "/" + method + "/responses/" + status + "/content/" + media + "/schema")
	if err != nil {
		t.Fatalf("%s %s: %v", date, path, err)
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(a.Body))
	if err == nil {
		err = schema.Validate(body)
	}
	if err != nil {
		t.Errorf("%s %s: %d %s does not fit the description: %v", date, path, a.StatusCode, a.Body, err)
	}
}
