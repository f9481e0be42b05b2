package api_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"akashi/internal/api"
	"akashi/internal/relying"
)

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

func (s *service) known(t *testing.T) (key string, c *relying.Client) {
	t.Helper()
	c, key = s.RegisteredVerifier(t, "見本病院")
	return key, c
}

// The two ways in which many credentials are sent, and the two in which answers are fetched.
func TestManyCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	key, _ := s.known(t)
	sent, err := json.Marshal(map[string]any{"credentials": []map[string]string{{"ref": "a", "credential": s.Code}, {"credential": "こんにちは"}}})
	if err != nil {
		t.Fatal(err)
	}
	table := "\ufeffref,credential\r\na," + s.Code + "\r\n,こんにちは\r\n"
	for kind, body := range map[string]string{"application/json": string(sent), "text/csv; charset=utf-8": table} {
		header := append(bearer(key), "Content-Type", kind, "Idempotency-Key", kind[:4])
		a := s.do(t, "POST", "/v1/bulk-verifications", body, header...)
		var made api.Bulk
		if err := json.Unmarshal([]byte(a.Body), &made); err != nil || a.StatusCode != 202 || made.Total != 2 || a.Header.Get("Location") != "/v1/bulk-verifications/"+made.ID.String() {
			t.Fatalf("%s: %d %s", kind, a.StatusCode, a.Body)
		}
		if again := s.do(t, "POST", "/v1/bulk-verifications", body, header...); !strings.Contains(again.Body, made.ID.String()) {
			t.Errorf("%s: sent again: %d %s", kind, again.StatusCode, again.Body)
		}
		s.Work(t)
		var state api.Bulk
		if a = s.do(t, "GET", a.Header.Get("Location"), "", bearer(key)...); json.Unmarshal([]byte(a.Body), &state) != nil || state.Done != 2 || state.ExpiresAt == nil {
			t.Errorf("%s: state %s", kind, a.Body)
		}
		if made.ReceivedAt.String() != state.ReceivedAt.String() {
			t.Errorf("%s: received at %s and then at %s", kind, made.ReceivedAt, state.ReceivedAt)
		}
		var page struct {
			Answers []api.BulkAnswer
			Next    *int
		}
		if a = s.do(t, "GET", state.Answers+"?limit=1", "", bearer(key)...); json.Unmarshal([]byte(a.Body), &page) != nil || len(page.Answers) != 1 || page.Next == nil ||
			*page.Next != 1 || *page.Answers[0].Verdict != "valid" || page.Answers[0].Ref != "a" {
			t.Errorf("%s: the first page %s", kind, a.Body)
		}
		a = s.do(t, "GET", state.Answers+".csv", "", bearer(key)...)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.Body, "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 3 || rows[0][2] != "verdict" || rows[1][2] != "valid" || rows[2][2] != "unreadable" || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/csv") {
			t.Errorf("%s: the table %q, error %v", kind, a.Body, err)
		}
		if a = s.do(t, "DELETE", "/v1/bulk-verifications/"+made.ID.String(), "", bearer(key)...); a.StatusCode != 204 {
			t.Errorf("%s: deleting: %d", kind, a.StatusCode)
		}
		s.do(t, "GET", "/v1/bulk-verifications/"+made.ID.String(), "", bearer(key)...).problem(t, "deleted", 404, "nothing of yours")
	}
	s.verify(t, s.Code)
	s.nothingLogged(t)
	if strings.Contains(s.log.String(), key[16:]) {
		t.Error("the log has a key")
	}
}

func TestManyThatAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	key, _ := s.known(t)
	csv, jsonType := "text/csv", "application/json"
	for name, c := range map[string]struct {
		kind, body string
		status     int
		says       string
	}{
		"another type":    {"text/plain", "a", 415, "application/json or text/csv"},
		"no type":         {"", "a", 415, "application/json or text/csv"},
		"nothing":         {jsonType, `{"credentials":[]}`, 422, "no credential in it"},
		"broken JSON":     {jsonType, `{"credentials":`, 422, "not the JSON"},
		"another member":  {jsonType, `{"credentials":[{"credential":"a","name":"花子"}]}`, 422, "not the JSON"},
		"two documents":   {jsonType, `{"credentials":[{"credential":"a"}]} {}`, 422, "something follows"},
		"a member twice":  {jsonType, `{"credentials":[{"credential":"a","ref":"1"}],"credentials":[{"ref":"2"}]}`, 422, "stands twice"},
		"a wrong type":    {jsonType, `{"credentials":[{"credential":1}]}`, 422, "not the JSON"},
		"no columns":      {csv, "", 400, "body is required"},
		"an empty head":   {csv, "\n", 422, "first line"},
		"another column":  {csv, "credential,name\na,花子\n", 422, "column 2"},
		"only references": {csv, "ref\na\n", 422, "names the columns"},
		"a short line":    {csv, "ref,credential\na\n", 422, "line 2"},
		"a formula":       {csv, "ref,credential\n=1+1,a\n", 422, "formula"},
		"an empty one":    {csv, "credential\n\"\"\n", 422, "credential 1: credential is missing"},
		"a long one":      {csv, "credential\n" + strings.Repeat("a", relying.MaxCredential+1) + "\n", 422, "more than"},
		"too many":        {csv, "credential\n" + strings.Repeat("a\n", relying.MaxLines+1), 422, "more than 10000"},
	} {
		header := append(bearer(key), "Idempotency-Key", "k")
		if c.kind != "" {
			header = append(header, "Content-Type", c.kind)
		}
		a := s.do(t, "POST", "/v1/bulk-verifications", c.body, header...)
		a.problem(t, name, c.status, c.says)
		if strings.Contains(a.Body, "花子") {
			t.Errorf("%s: the error repeats what was sent: %s", name, a.Body)
		}
	}
	s.do(t, "POST", "/v1/bulk-verifications", "credential\na\n", append(bearer(key), "Content-Type", csv)...).problem(t, "no request key", 422, "")
	for name, header := range map[string][]string{"nobody": nil, "a wrong key": bearer("akv_aaaa_bbbb"), "another scheme": {"Authorization", "Basic " + key}} {
		a := s.do(t, "POST", "/v1/bulk-verifications", "credential\na\n", header...)
		a.problem(t, name, 401, "")
		if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %v", name, a.Header)
		}
	}
}

func TestWatches(t *testing.T) {
	t.Parallel()
	s := start(t, plenty)
	key, _ := s.known(t)
	other, _ := s.known(t)
	wish := func(code, purpose, until string) string {
		b, err := json.Marshal(map[string]string{"credential": code, "purpose": purpose, "until": until, "ref": "n-1"})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	send := func(body string) answer {
		return s.do(t, "POST", "/v1/watches", body, append(bearer(key), "Content-Type", "application/json")...)
	}
	send(wish(s.Code, "確認", "never")).problem(t, "no date", 422, "until")
	send(wish(s.Code, "確認", "2020-01-01")).problem(t, "a past date", 422, "until lies")
	send(wish("こんにちは", "確認", "2027-01-01")).problem(t, "no credential", 422, "unreadable")
	a := send(wish(s.Code, "確認", "2027-01-01"))
	var made struct {
		Watch api.Watch
	}
	if err := json.Unmarshal([]byte(a.Body), &made); err != nil || a.StatusCode != 201 || made.Watch.State != "asked" || made.Watch.Until != "2027-01-01" {
		t.Fatalf("%d %s", a.StatusCode, a.Body)
	}
	send(wish(s.Code, "確認", "2027-01-01")).problem(t, "twice", 409, "watch this credential already")
	path := "/v1/watches/" + made.Watch.ID.String()
	if a = s.do(t, "GET", "/v1/watches", "", bearer(key)...); !strings.Contains(a.Body, made.Watch.ID.String()) {
		t.Errorf("list: %s", a.Body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		s.do(t, method, path, "", bearer(other)...).problem(t, "another verifier", 404, "nothing of yours")
	}
	if a = s.do(t, "DELETE", path, "", bearer(key)...); a.StatusCode != 204 {
		t.Errorf("ending: %d", a.StatusCode)
	}
	if a = s.do(t, "GET", path, "", bearer(key)...); !strings.Contains(a.Body, `"ended"`) {
		t.Errorf("ended: %s", a.Body)
	}
	if a = s.do(t, "GET", "/v1/notifications", "", bearer(key)...); strings.TrimSpace(a.Body) != `{"notifications":[]}` {
		t.Errorf("notifications: %s", a.Body)
	}
	if a = s.do(t, "GET", "/v1/webhook-keys", ""); a.StatusCode != 200 || !strings.Contains(a.Body, `"hook-1"`) || strings.Contains(a.Body, `"d"`) {
		t.Errorf("keys: %d %s", a.StatusCode, a.Body)
	}
}

// Whoever tries keys is slowed down.
func TestTryingKeys(t *testing.T) {
	t.Parallel()
	s := start(t, api.Rate{PerSecond: 0.001, Burst: 5})
	for i := range 6 {
		a := s.do(t, "GET", "/v1/watches", "", bearer(fmt.Sprintf("akv_aaaa_bbb%d", i))...)
		if want := map[bool]int{true: http.StatusTooManyRequests, false: http.StatusUnauthorized}[i == 5]; a.StatusCode != want {
			t.Errorf("try %d: %d, want %d", i, a.StatusCode, want)
		}
	}
}
