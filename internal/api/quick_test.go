package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"akashi/internal/api"
	"akashi/internal/casetest"
	"akashi/internal/clock"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// TestQuickIsAsDescribed: whatever is sent, in whatever form, the short way and the description's have the same answer, byte for byte.
func TestQuickIsAsDescribed(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil || len(held) != 1 {
		t.Fatalf("holdings %+v, error %v", held, err)
	}
	code, err := held[0].Credential.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	atOneMoment := &verification.Verifier{DB: &pg.DB{Pool: w.Verifier.DB.Pool, Clock: clock.Fixed(w.Clock.Now())}, Catalogue: w.Catalogue}
	cfg := api.Config{Origin: "https://api.example", Log: slog.New(slog.DiscardHandler), Verifier: atOneMoment, Prove: prove(w), Receiver: w.Receiver, Rate: plenty,
		Relying: w.Relying, WebhookKeyID: "hook-1", WebhookKey: w.SigningKey()}
	quick, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	described := api.OnlyDescribed(cfg)

	_, bare, _ := strings.Cut(code, "c=")
	credentials := []string{code, code, bare, changed(t, code, "見本", "見木"), changed(t, code, "mhlw-test", "mhlw-none"), "x", "", `\u0041`, `\`, "こんにちは", "\x7f", "\x01",
		"\xff", " " + bare + " ", `"`, strings.Repeat("A", 16384), strings.Repeat("A", 16385), strings.Repeat("A", 16420), strings.Repeat("A", 70_000), "<&>"}
	around := [][2]string{{`{"credential":"`, `"}`}, {`{"credential":"`, `"}`}, {`{"credential": "`, `"}`}, {`{"credential":"`, "\"}\n"}, {` {"credential":"`, `"}`},
		{`{"credential":"`, `","a":1}`}, {`{"credential":"`, `","credential":"x"}`}, {`{"Credential":"`, `"}`}, {`{"credential":`, `}`}, {`["`, `"]`},
		{`{"credential":"`, `"} `}, {`{"credential":"`, `"}}`}, {`{"credential":"`, `"}` + "\n\n"}, {`{"credential":  "`, `"}`}, {`{"credential":"`, `"`}, {"", ""}}
	fields := map[string][]string{
		"Content-Type":   {"application/json", "application/json", "application/json", "", "application/json; charset=utf-8", "text/plain", "Application/JSON"},
		"Accept":         {"", "", "*/*", "application/json", "text/html", "application/json;q=0", "application/cbor", "application/problem+json"},
		api.FieldVersion: {"", "", "2026-11-01", "2026-12-01", "2020-01-01"},
		"X-Other":        {"", "a"},
	}
	statuses := map[int]int{}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom(credentials), rapid.String()).Draw(t, "credential")
		frame := rapid.SampledFrom(around).Draw(t, "around")
		body := frame[0] + text + frame[1]
		length := rapid.SampledFrom([]string{"told", "told", "told", "not told", "breaks off", "breaks off at once"}).Draw(t, "length")
		header := map[string][]string{}
		for name, values := range fields {
			if v := rapid.SampledFrom(values).Draw(t, name); v != "" {
				header[name] = []string{v}
				if rapid.IntRange(0, 9).Draw(t, name+" twice") == 0 {
					header[name] = append(header[name], rapid.SampledFrom(values).Draw(t, name+" again"))
				}
			}
		}
		ask := func(h http.Handler) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/verifications", strings.NewReader(body))
			for name, values := range header {
				r.Header[name] = values
			}
			switch length {
			case "not told":
				r.ContentLength = -1
			case "breaks off":
				r.Body = io.NopCloser(io.MultiReader(strings.NewReader(body[:len(body)/2]), iotest.ErrReader(errors.New("broken off"))))
			case "breaks off at once":
				r.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
			}
			got := httptest.NewRecorder()
			h.ServeHTTP(got, r)
			return got
		}
		a, b := ask(quick), ask(described)
		if a.Code != b.Code || a.Body.String() != b.Body.String() || !reflect.DeepEqual(a.Header(), b.Header()) {
			t.Fatalf("quick: %d %v %s\nas described: %d %v %s", a.Code, a.Header(), a.Body, b.Code, b.Header(), b.Body)
		}
		statuses[a.Code]++
	})
	if statuses[200] == 0 || statuses[422] == 0 {
		t.Errorf("answers by status: %v", statuses)
	}
}

// TestPlainQuestion: what is taken for the plain form is JSON that says just that, and the forms that programs use are taken for it.
func TestPlainQuestion(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"credential":"https://check.example.jp/w/?c=0oRDoQEm"}`: "https://check.example.jp/w/?c=0oRDoQEm",
		`{"credential": "0oRDoQEm"}`:                              "0oRDoQEm",
		`{"credential":"0oRDoQEm"}` + "\n":                        "0oRDoQEm",
		`{"credential":"}"}`:                                      "}",
	} {
		if got, ok := api.PlainQuestion([]byte(body)); !ok || got != want {
			t.Errorf("%s: %q, %v", body, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOf(rapid.SampledFrom([]string{`{"credential":`, `{`, `"credential"`, `:`, `"`, `}`, `,`, ` `, "\n", `\`, `u0041`, "A", "見", "\x00", "\x7f", `"A"`}))
		body := strings.Join(pieces.Draw(t, "pieces"), "")
		if got, ok := api.PlainQuestion([]byte(body)); ok {
			var said map[string]string
			if err := json.Unmarshal([]byte(body), &said); err != nil || len(said) != 1 || said["credential"] != got || got == "" || strings.Count(body, `"`) != 4 {
				t.Fatalf("%q is taken for %q: %v, %v", body, got, said, err)
			}
		}
	})
}

// TestWrittenAsJSON: an answer is written as encoding/json writes it, whatever its texts hold.
func TestWrittenAsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SampledFrom([]string{"", "valid", "厚生労働大臣", "a\"b", `a\b`, "<&>", "\u2028", "—", "\x7f", "\xff", "\xe2\x80", "\n"}), rapid.String())
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			zone := time.FixedZone("", rapid.IntRange(-12*60, 14*60).Draw(t, "zone")*60)
			return time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
		})
		v := api.Verification{Verdict: text.Draw(t, "verdict"), Untampered: text.Draw(t, "untampered"), Issuer: text.Draw(t, "issuer"), Status: text.Draw(t, "status"),
			IssuerName: text.Draw(t, "issuer name"), Facts: rapid.MapOf(text, text).Draw(t, "facts"), Reason: text.Draw(t, "reason"),
			LegalOriginal: text.Draw(t, "legal original"), CheckedAt: instant.Draw(t, "checked")}
		if rapid.Bool().Draw(t, "dated") {
			at := instant.Draw(t, "since")
			v.StatusSince = &at
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		if got := api.Written(v); !bytes.Equal(got, want.Bytes()) {
			t.Fatalf("%s\nwant %s", got, want.Bytes())
		}
	})
}

// TestWrittenHasEveryMember: a member that the answer gets is written, too.
func TestWrittenHasEveryMember(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	v := api.Verification{Verdict: "a", Untampered: "b", Issuer: "c", Status: "d", IssuerName: "e", Facts: map[string]string{"f": "g"}, StatusSince: &at, Reason: "h",
		LegalOriginal: "i", SuspendedUntil: "j", CheckedAt: at}
	for i, of := 0, reflect.ValueOf(v); i < of.NumField(); i++ {
		if of.Field(i).IsZero() {
			t.Errorf("%s is not tried here", of.Type().Field(i).Name)
		}
	}
	var said map[string]any
	if err := json.Unmarshal(api.Written(v), &said); err != nil || len(said) != reflect.TypeFor[api.Verification]().NumField() {
		t.Errorf("%d members, %v", len(said), err)
	}
}
