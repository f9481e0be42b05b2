package public_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/format/cose"
	"akashi/internal/pg"
	"akashi/internal/portal/public"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/publicid"
	"akashi/internal/qualification"
	"akashi/internal/review"
	"akashi/internal/verification"
)

func TestCatalogue(t *testing.T) {
	words := uitest.Catalogue(t, public.Text)
	uitest.CheckCatalogue(t, words, ".")
	uitest.CheckFaults(t, words)
	for _, v := range verification.Verdicts {
		if key := "next." + string(v); v != verification.Unreadable && !words.Has(key) {
			t.Errorf("there is no advice %q", key)
		}
	}
}

// TestWaysIn: the scanned address shows nothing before the press; text, address and picture lead to the same result.
func TestWaysIn(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	_, query, _ := strings.Cut(s.Code, "?")
	for _, path := range []string{"/w/?", "/w?", "/en/w/?", "/easy/w/?"} {
		s.get(t, path+query).has(t, path, 200, `name="checkdata"`, "!見本", "!ミホン", "!第", "!2003")
	}
	s.get(t, "/w/?"+query).has(t, "scanned", 200, "検証する", "まだ検証していません")
	s.get(t, "/w/").has(t, "without a code", 200, "資格者証が含まれていません", "!まだ検証していません。</p><!-- -->")
	for name, a := range map[string]answer{
		"address": s.post(t, "/w/verify", s.Code), "bare text": s.post(t, "/w/verify", strings.TrimPrefix(query, "c=")),
		"picture": s.upload(t, picture(t, s.Code)),
	} {
		a.has(t, name, 200, `data-verdict="valid"`, "有効です", "見本　花子", "看護師", "!2003", "!ミホン", "改ざんなし", "09:00:",
			"本人かどうかは、顔写真付きの身分証明書で確認してください", "この画面の写しは証明になりません", "保存されません")
	}
	s.post(t, "/en/w/verify", s.Code).has(t, "English", 200, "Valid", "Check who the person is")
	s.post(t, "/easy/w/verify", s.Code).has(t, "plain Japanese", 200, "<ruby>", "ほんもの")
	s.post(t, "/w/receipt", s.Code).has(t, "record", 200, "資格者証の確認の控え", "有効です", "2026年（令和8年）12月1日 09:00", s.URL, "保存されません", "見本　花子")
	for _, path := range []string{"/w/verify", "/w/receipt", "/en/w/file"} {
		if a := s.get(t, path); a.StatusCode != http.StatusSeeOther {
			t.Errorf("GET %s: %d", path, a.StatusCode)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	blank := image.NewGray(image.Rect(0, 0, 80, 80))
	var white bytes.Buffer
	if err := png.Encode(&white, blank); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		a    answer
		want string
	}{
		{"nothing pasted", s.post(t, "/w/verify", "  "), "QRコードの内容を貼り付けてください"},
		{"no credential", s.post(t, "/w/verify", "https://example.jp/<b>"), "この内容に資格者証は含まれていません"},
		{"no credential in a record", s.post(t, "/w/receipt", "こんにちは"), "この内容に資格者証は含まれていません"},
		{"no file", s.upload(t, nil), "ファイルを選んでください"},
		{"not a picture", s.upload(t, []byte("%PDF-1.7")), "PDFが壊れているか"},
		{"no code", s.upload(t, white.Bytes()), "画像にQRコードが見つかりません"},
		{"another QR code", s.upload(t, picture(t, "https://example.jp/menu?table=7")), "この内容に資格者証は含まれていません"},
		{"too large", s.upload(t, make([]byte, 13<<20)), "ファイルが12MBを超えています"},
	} {
		c.a.has(t, c.name, http.StatusUnprocessableEntity, c.want, "エラー：", `aria-invalid="true"`, "!data-verdict", "!<b>")
	}
	s.post(t, "/w/verify", "<見本>").has(t, "what was pasted", 422, "&lt;見本&gt;</textarea>")
	broken := do(t, request(t, "POST", s.URL+"/w/file", "multipart/form-data", strings.NewReader("x")))
	broken.has(t, "no boundary", http.StatusUnprocessableEntity, "受け付けられませんでした")
}

func TestEachVerdictLooksDifferent(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	seen := map[string]string{}
	see := func(name string, a answer, status int, texts ...string) {
		t.Helper()
		a.has(t, name, status, texts...)
		_, panel, _ := strings.Cut(a.Body, `<section class="ak-result"`)
		if other, twice := seen[panel]; twice {
			t.Errorf("%s looks like %s", name, other)
		}
		seen[panel] = name
	}
	see("valid", s.post(t, "/w/verify", s.Code), 200, `data-verdict="valid"`, "身分証明書で本人を確認し")
	see("tampered", s.post(t, "/w/verify", s.changed(t, "見本", "見木")), 200, `data-verdict="untrusted"`, "発行後に変わっています", "!花子", "元のQRコードを読み取り直して")
	see("unknown issuer", s.post(t, "/w/verify", s.changed(t, "mhlw-test", "mhlw-none")), 200, `data-verdict="untrusted"`, "署名した鍵は", "!花子", "ほかの仕組み")
	s.post(t, "/w/receipt", s.changed(t, "見本", "見木")).has(t, "record of a tampered one", 200, "発行後に変わっています", "!資格者証の記載", "!花子")
	s.measure(t, review.MeasureSuspend)
	see("suspended", s.post(t, "/w/verify", s.Code), 200, `data-verdict="suspended"`, "停止中（2026年（令和8年）12月1日から）", "業務に就かせないでください")
	s.measure(t, review.MeasureRestore)
	s.post(t, "/w/verify", s.Code).has(t, "restored", 200, `data-verdict="valid"`)
	s.suspendUntil(t, s.Today().AddDays(90))
	see("suspended with a term", s.post(t, "/w/verify", s.Code), 200, `data-verdict="suspended"`, "業務停止中（2026年（令和8年）12月1日から2027年（令和9年）3月1日まで）", "期間は2027年（令和9年）3月1日まで")
	s.measure(t, review.MeasureRestore)
	s.measure(t, review.MeasureRevoke)
	see("revoked", s.post(t, "/w/verify", s.Code), 200, `data-verdict="revoked"`, "資格の証明として扱わないでください", "見本　花子")
}

func TestReplacedAndCannotTell(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	s.move(t, "held") // stopped by the holder, which is no measure
	s.post(t, "/w/verify", s.Code).has(t, "stopped by the holder", 200, `data-verdict="suspended"`, "停止中（", "本人が資格者証を止めているとき", "!業務停止中")
	s.move(t, "replaced")
	s.post(t, "/w/verify", s.Code).has(t, "replaced", 200, `data-verdict="replaced"`, "新しい資格者証を見せてもらって")
	s.post(t, "/w/receipt", s.Code).has(t, "record", 200, "再発行により古くなった証明書です")
	s.Verifier.DB.Pool.Close()
	a := s.post(t, "/w/verify", s.Code)
	a.has(t, "no register", http.StatusServiceUnavailable, `data-verdict="unknown"`, "無効という意味ではありません", "!花子", "もう一度検証する")
	s.get(t, "/keys").has(t, "no keys", http.StatusInternalServerError, "照会番号")
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	for path, camera := range map[string]bool{"/": true, "/counter/": true, "/w/?c=AAAA": false, "/keys": false, "/counter/worker.js": false} {
		a := s.get(t, path)
		if got := strings.Contains(a.Header.Get("Content-Security-Policy"), "wasm-unsafe-eval") &&
			strings.Contains(a.Header.Get("Permissions-Policy"), "camera=(self)"); got != camera {
			t.Errorf("%s may use the camera: %t", path, got)
		}
	}
	for _, a := range []answer{s.get(t, "/help"), s.get(t, "/w/?c=AAAA"), s.post(t, "/w/verify", s.Code), s.post(t, "/w/check", s.Code), s.get(t, "/nowhere")} {
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Robots-Tag": "noindex",
			"Permissions-Policy": "camera=(), microphone=(), geolocation=()"} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", a.Request.URL.Path, name, got, want)
			}
		}
		if len(a.Cookies()) > 0 {
			t.Errorf("%s sets %v", a.Request.URL.Path, a.Cookies())
		}
	}
	r := request(t, "POST", s.URL+"/w/verify", "application/x-www-form-urlencoded", strings.NewReader("checkdata=x"))
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	do(t, r).has(t, "another site's form", http.StatusForbidden, "別のサイトから送信されたため")
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := start(t, public.Rate{PerSecond: 0.001, Burst: 2})
	for range 2 {
		s.post(t, "/w/verify", s.Code).has(t, "within the limit", 200)
	}
	a := s.post(t, "/w/verify", s.Code)
	a.has(t, "beyond the limit", http.StatusTooManyRequests, "しばらくお待ちください")
	if a.Header.Get("Retry-After") == "" {
		t.Error("the client is not told when to come back")
	}
	s.get(t, "/").has(t, "reading goes on", 200)
}

// TestNothingScannedIsLogged drives every way in and every error with a credential in hand, and looks for it in the logs.
func TestNothingScannedIsLogged(t *testing.T) {
	t.Parallel()
	s := start(t, public.Rate{PerSecond: 0.001, Burst: 14})
	_, query, _ := strings.Cut(s.Code, "?")
	bare := strings.TrimPrefix(query, "c=")
	tampered := s.changed(t, "見本", "見木")
	s.get(t, "/w/?"+query)
	s.get(t, "/w?"+query)
	s.get(t, "/nowhere?"+query)
	s.get(t, "/w/"+query)           // a reader that lost the question mark
	s.get(t, "/en/w/verify/"+bare)  // a path that does not exist
	s.get(t, "/w/%3F"+query)        // an encoded question mark
	s.get(t, "/w/verify?"+query)    // a method that does not fit
	s.post(t, "/w/verify", s.Code)  // valid
	s.post(t, "/w/receipt", s.Code) // on paper
	s.post(t, "/w/check", s.Code)   // at a counter
	s.number(t, decodedFacts(t, s.Code)[cose.CertificateID])
	s.post(t, "/w/verify", tampered)       // altered
	s.post(t, "/w/verify", bare[:50]+"%%") // broken
	s.upload(t, picture(t, s.Code))
	s.upload(t, []byte("見本　花子"+bare))
	s.upload(t, append(s.Document(t, nil), bare...)) // a PDF with the credential behind it
	do(t, request(t, "POST", s.URL+"/w/verify", "application/x-www-form-urlencoded", strings.NewReader("checkdata=%zz"+bare)))
	do(t, request(t, "POST", s.URL+"/w/file", "multipart/form-data; boundary="+bare[:40], strings.NewReader(bare)))
	r := request(t, "POST", s.URL+"/w/verify?"+query, "application/x-www-form-urlencoded", strings.NewReader("checkdata="+bare))
	r.Header.Set("Origin", "https://elsewhere.example")
	do(t, r).has(t, "cross-site", http.StatusForbidden)
	do(t, request(t, "DELETE", s.URL+"/w/"+bare, "", nil))
	s.Verifier.DB.Pool.Close()
	s.post(t, "/w/verify", s.Code).has(t, "no register", http.StatusServiceUnavailable)
	for s.post(t, "/w/verify", s.Code).StatusCode != http.StatusTooManyRequests {
	}
	log := s.log.String()
	if lines := strings.Count(log, "msg=request"); lines < 15 || !strings.Contains(log, "could not be completed") || !strings.Contains(log, `route="POST /w/verify"`) {
		t.Fatalf("the log has %d lines of requests: %s", lines, log)
	}
	facts := decodedFacts(t, s.Code)
	secrets := []string{bare[:20], bare[40:60], url.QueryEscape(bare)[:20], "checkdata"}
	for _, key := range []string{cose.HolderName, cose.HolderBirthDate, cose.CertificateID, cose.HolderCode} {
		secrets = append(secrets, facts[key])
	}
	for _, secret := range append(secrets, "花子", "見本", "%E8%A6%8B") {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func decoded(t testing.TB, code string) *cose.Sign1 {
	t.Helper()
	message, err := cose.ParseURL(code)
	if err != nil {
		t.Fatal(err)
	}
	s, err := cose.Decode(message)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decodedFacts(t testing.TB, code string) map[string]string {
	t.Helper()
	facts, err := cose.DecodePayload(decoded(t, code).Payload)
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// TestWhatANumberTells: whether it is in force and of which qualification, however it is typed; never a name, and nothing that
// tells a number that was not given out from one that cannot be.
func TestWhatANumberTells(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	facts := decodedFacts(t, s.Code)
	number := facts[cose.CertificateID]
	secrets := []string{"!見本", "!花子", "!" + facts[cose.RegistrationDate], "!" + facts[cose.HolderCode], "!厚生労働大臣"}
	for _, typed := range []string{number, strings.ToLower(strings.ReplaceAll(number, "-", "")), " " + number + " "} {
		s.number(t, typed).has(t, typed, 200, append(secrets, `data-verdict="conditional"`, "看護師", "見せられたものが本物か")...)
	}
	for _, other := range []string{publicid.New("KGMH"), publicid.New("ZZ99")} {
		s.number(t, other).has(t, "never given out", 200, append(secrets, `data-verdict="untrusted"`, "この番号の資格者証は、ここでは確認できません")...)
	}
	for typed, want := range map[string]string{"": "証明書IDを入力してください", "第1号": "証明書IDを確認してください",
		number[:len(number)-1] + "Z": "証明書IDを確認してください", strings.Repeat("9", 200): "証明書IDを確認してください"} {
		s.number(t, typed).has(t, "typed "+typed, http.StatusUnprocessableEntity, want, `aria-invalid="true"`)
	}
	s.move(t, "revoked")
	s.number(t, number).has(t, "revoked", 200, append(secrets, `data-verdict="revoked"`)...)
	slow := start(t, public.Rate{PerSecond: 0.001, Burst: 8})
	for range 2 {
		slow.number(t, number)
	}
	slow.number(t, number).has(t, "trying numbers", http.StatusTooManyRequests)
	slow.post(t, "/w/verify", slow.Code).has(t, "a credential meanwhile", 200)
}

// TestTheAnswerToAScript is the same as that to a person.
func TestTheAnswerToAScript(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	a := s.post(t, "/w/check", s.Code)
	var r verification.Result
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%v: %s", err, a.Body)
	}
	if r.Verdict != verification.Valid || r.Facts[cose.HolderName] != "見本　花子" || r.Facts[cose.HolderBirthDate] != "" {
		t.Errorf("got %+v", r)
	}
	s.post(t, "/w/check", "これは違います").has(t, "no credential", 200, `"unreadable"`)
	s.get(t, "/counter/worker.js").has(t, "worker", 200, `"page":"/counter/"`, "zxing-wasm-3.1.4/zxing_reader.wasm")
	s.get(t, "/en/counter/worker.js").has(t, "worker in English", 200, `"page":"/en/counter/"`)
	s.get(t, "/counter/trust.json").has(t, "trust", 200, `"now":`, "mhlw-test")
}

// TestPublishedTypes: what stands in credentials as the address of their type and terms can be read there.
func TestPublishedTypes(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	for path, want := range map[string]struct{ media, text string }{
		"/types/kangoshi": {"application/json", `"vct": "` + s.URL + `/types/kangoshi"`},
		"/contexts/1":     {"application/ld+json", `"qualification_name":"` + s.URL + `/contexts/1#qualification_name"`},
	} {
		a := s.get(t, path)
		a.has(t, path, 200, want.text)
		if a.Header.Get("Content-Type") != want.media || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %v", path, a.Header)
		}
		r := request(t, "GET", s.URL+path, "", nil)
		r.Header.Set("If-None-Match", a.Header.Get("ETag"))
		if again := do(t, r); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
	a := s.get(t, "/types/nothing")
	if a.StatusCode != http.StatusNotFound {
		t.Errorf("a qualification that there is not: %d", a.StatusCode)
	}
	if id := a.Header.Get("X-Request-Id"); id == "" || strings.Count(s.log.String(), "reference="+id) != 2 {
		t.Errorf("the reason and the request do not share the reference %q: %s", id, s.log.String())
	}
}

func TestPublishedKeys(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	a := s.get(t, "/.well-known/akashi/jwks.json")
	set, err := verification.ParseKeySet([]byte(a.Body))
	if err != nil || len(set) != 4 || set[0].KID != "mhlw-test" {
		t.Fatalf("%s: %v", a.Body, err)
	}
	if r := set.Check(s.Code, casetest.Start()); r.Untampered != verification.Yes || r.Issuer != verification.Yes {
		t.Errorf("by the published key: %+v", r)
	}
	tag := a.Header.Get("ETag")
	for name, want := range map[string]string{"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	r := request(t, "GET", s.URL+"/.well-known/akashi/jwks.json", "", nil)
	r.Header.Set("If-None-Match", tag)
	if again := do(t, r); again.StatusCode != http.StatusNotModified || again.Body != "" || tag == "" {
		t.Errorf("asking with %s again: %d", tag, again.StatusCode)
	}
	s.partsOfKeys(t)
	c := s.get(t, "/.well-known/akashi/cose-keys")
	if c.Header.Get("Content-Type") != "application/cose-key-set" || !strings.Contains(c.Body, "mhlw-test") || c.Header.Get("ETag") == tag {
		t.Errorf("COSE keys: %v", c.Header)
	}
	s.get(t, "/keys").has(t, "page", 200, "mhlw-test", "厚生労働省", "使用中", "状態の一覧", "モバイル文書", s.URL+"/.well-known/akashi/jwks.json", "https://api.example/openapi.json",
		`<div class="ak-details-body" id="mhlw">`, "資格管理者1件、鍵4個（うち使用中4個）", "!<table", "! open>")
	for _, path := range []string{"/help", "/about", "/accessibility", "/en/keys", "/easy/help"} {
		s.get(t, path).has(t, path, 200)
	}
}

// partsOfKeys fetches a registrar's keys and single ones, compressed; what there is not is not found.
func (s *site) partsOfKeys(t *testing.T) {
	t.Helper()
	at := s.URL + "/.well-known/akashi/jwks.json"
	for query, want := range map[string]int{"?registrar=mhlw": 4, "?kid=mhlw-test": 1, "?kid=mhlw-test&kid=none": 1, "?registrar=mhlw&kid=mhlw-test": 1} {
		r := request(t, "GET", at+query, "", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		a := do(t, r)
		part, err := verification.ParseKeySet([]byte(unzipped(t, a.Body)))
		if err != nil || len(part) != want || part[0].KID != "mhlw-test" || a.Header.Get("ETag") == "" || a.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d keys, error %v, %v", query, len(part), err, a.Header)
		}
	}
	for _, query := range []string{"?registrar=pref-13", "?kid=none", "?registrar=pref-13&kid=mhlw-test", "?kid="} {
		if a := s.get(t, "/.well-known/akashi/jwks.json"+query); a.StatusCode != http.StatusNotFound || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", query, a.StatusCode, a.Header)
		}
	}
}

func unzipped(t *testing.T, body string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// TestKeysByRegistrar: keys in use before those that are not, each registrar by itself, found by whatever somebody has in hand.
func TestKeysByRegistrar(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	if err := s.DB.As(pg.RoleWorker).InRegistrar(t.Context(), "mhlw", func(tx *pg.Tx) error {
		_, err := tx.Exec(t.Context(), `insert into signing_key (kid, registrar_id, public_jwk, purpose, not_before, retired_at, distrusted_at)
		select v.kid, v.registrar, k.public_jwk, k.purpose, k.not_before + v.starts, k.not_before + v.ends, k.not_before + v.failed
		from signing_key k, (values ('mhlw-1-old', 'mhlw', interval '-2 years', interval '-1 year', null), ('mhlw-2-next', 'mhlw', interval '1 year', null, null),
			('mhlw-3-lost', 'mhlw', interval '-2 years', interval '-1 year', interval '-1 year'), ('tokyo-1', 'pref-13', interval '-1 day', null, null))
			v (kid, registrar, starts, ends, failed) where k.kid = 'mhlw-test'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	all := s.get(t, "/keys")
	all.has(t, "all", 200, "資格管理者2件、鍵8個（うち使用中5個）", "鍵7個（使用中4個）", "信用しない鍵1個", `id="mhlw"`, `id="pref-13"`, "! open>", "まで")
	order := -1
	for _, kid := range []string{"mhlw-test", "mhlw-2-next", "mhlw-3-lost", "mhlw-1-old", "tokyo-1"} {
		at := strings.Index(all.Body, ">"+kid+"<")
		if at <= order {
			t.Errorf("%s stands at %d, not behind %d", kid, at, order)
		}
		order = at
	}
	for asked, want := range map[string][]string{
		"mhlw":        {"資格管理者1件、鍵7個", " open>", "!tokyo-1", "鍵を全部表示する"}, // exactly this id
		" PREF-13 ":   {"資格管理者1件、鍵1個", "tokyo-1", "!mhlw-test", `value="PREF-13"`},
		"東京":          {"資格管理者1件、鍵1個", "tokyo-1"},
		"Ministry of": {"資格管理者1件、鍵7個"},
		"kgmh":        {"資格管理者1件、鍵7個"}, // the code of a register
		"3-lost":      {"資格管理者1件、鍵1個（うち使用中0個）", "mhlw-3-lost", "!mhlw-test"},
		"ｔｏｋｙｏ－１":     {"資格管理者1件、鍵1個", "tokyo-1"},
		"<b>":         {"「&lt;b&gt;」に当てはまる資格管理者も鍵もありません", "鍵を全部表示する", "!mhlw-test", "!<b>"},
		"・":           {"に当てはまる資格管理者も鍵もありません"}, // nothing to look for is not everything
	} {
		s.get(t, "/keys?q="+url.QueryEscape(asked)).has(t, asked, 200, want...)
	}
	s.get(t, "/easy/keys?q=none-such").has(t, "plain Japanese", 200, "ありませんでした", `href="/en/keys?q=none-such"`)
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := public.New(public.Config{}); err == nil || !strings.Contains(err.Error(), "origin and log") {
		t.Errorf("got %v, want the missing settings", err)
	}
	if _, err := public.New(public.Config{Origin: "https://x.example", Log: slog.New(slog.DiscardHandler)}); err == nil || !strings.Contains(err.Error(), "verifier") {
		t.Errorf("got %v, want the missing verifier", err)
	}
}

// FuzzForm throws texts at the form through the whole portal: an answer, never a fault of ours.
func FuzzForm(f *testing.F) {
	w := casetest.New(f)
	h, err := public.New(public.Config{Origin: "http://127.0.0.1", Log: slog.New(slog.DiscardHandler), Verifier: w.Verifier, Rate: public.Rate{PerSecond: 1e6, Burst: 1e6}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("https://check.example/w/?c="+base64.RawURLEncoding.EncodeToString([]byte{0xd2, 0x84}), "c=")
	f.Add("<script>", "%zz&c=+/==")
	f.Fuzz(func(t *testing.T, text, query string) {
		for _, r := range []*http.Request{
			httptest.NewRequest("POST", "/w/verify", strings.NewReader(url.Values{"checkdata": {text}}.Encode())),
			{Method: "GET", URL: &url.URL{Path: "/w/", RawQuery: query}, Header: http.Header{}, Body: http.NoBody},
		} {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code >= 500 || strings.Contains(rec.Body.String(), "<script>") {
				t.Fatalf("%q, %q: %d", text, query, rec.Code)
			}
		}
	})
}

// TestNumbersNobodyAnswers: where the register does not answer to numbers, one that was given out and one that was not are
// answered alike, and the visitor reads what to do instead.
func TestNumbersNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	number := decodedFacts(t, s.Code)[cose.CertificateID]
	s.number(t, number).has(t, "before", 200, `data-verdict="conditional"`)
	s.Unuse(t, qualification.FunctionNumber)
	for _, typed := range []string{number, publicid.New(number[:4])} {
		s.number(t, typed).has(t, typed, http.StatusUnprocessableEntity, "番号だけの確認を行っていません", "QRコードを見せて", "!data-verdict", "!看護師")
	}
	s.post(t, "/w/verify", s.Code).has(t, "the code itself", 200, `data-verdict="valid"`)
}
