package fail_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/govsim/fail"
)

// service counts the work that it did.
func service(t *testing.T) (*fail.Injector, *httptest.Server, *atomic.Int32) {
	t.Helper()
	done := new(atomic.Int32)
	faults := fail.New()
	server := httptest.NewServer(faults.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		done.Add(1)
		w.Header().Set("X-Done", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "done")
	})))
	t.Cleanup(server.Close)
	return faults, server, done
}

func TestEveryMode(t *testing.T) {
	for _, c := range []struct {
		rule   fail.Rule
		status int // 0: the connection breaks
		done   int
	}{
		{fail.Rule{Path: "/x", Mode: fail.Slow, DelayMS: 1}, 201, 1},
		{fail.Rule{Path: "/x", Mode: fail.SlowAfter, DelayMS: 1}, 201, 1},
		{fail.Rule{Path: "/x", Mode: fail.Fail}, 503, 0},
		{fail.Rule{Path: "/*", Mode: fail.FailAfter, Status: 500}, 500, 1},
		{fail.Rule{Path: "/x", Method: "POST", Mode: fail.Drop}, 0, 0},
		{fail.Rule{Path: "/x", Mode: fail.DropAfter}, 0, 1},
		{fail.Rule{Path: "/other", Mode: fail.Fail}, 201, 1},
		{fail.Rule{Path: "/x", Method: "GET", Mode: fail.Fail}, 201, 1},
	} {
		t.Run(string(c.rule.Mode)+" "+c.rule.Path, func(t *testing.T) {
			faults, server, done := service(t)
			if err := faults.Add(c.rule); err != nil {
				t.Fatal(err)
			}
			response, err := http.Post(server.URL+"/x", "text/plain", nil)
			if c.status == 0 {
				if !errors.Is(err, io.EOF) {
					t.Fatalf("got %v, want a broken connection", err)
				}
			} else if err != nil || response.StatusCode != c.status {
				t.Fatalf("got %v, %v, want %d", response, err, c.status)
			}
			if response != nil {
				response.Body.Close()
				if c.status == 201 && response.Header.Get("X-Done") != "yes" {
					t.Error("the answer lost its header")
				}
			}
			if int(done.Load()) != c.done {
				t.Errorf("the work was done %d times, want %d", done.Load(), c.done)
			}
		})
	}
}

func TestCount(t *testing.T) {
	faults, server, done := service(t)
	if err := faults.Add(fail.Rule{Path: "/x", Mode: fail.Fail, Count: 2}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{503, 503, 201} {
		response, err := http.Get(server.URL + "/x")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("request %d: %d, want %d", i+1, response.StatusCode, want)
		}
	}
	if done.Load() != 1 || len(faults.Rules()) != 0 {
		t.Errorf("done %d times, %d rules left", done.Load(), len(faults.Rules()))
	}
}

func TestAdministration(t *testing.T) {
	faults, server, _ := service(t)
	send := func(method, contentType, body string) int {
		request, err := http.NewRequest(method, server.URL+fail.AdminPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	for _, c := range []struct {
		method, contentType, body string
		want                      int
	}{
		{"POST", "application/json", `{"path":"/*","mode":"fail"}`, 204},
		{"POST", "application/x-www-form-urlencoded", `{"path":"/*","mode":"fail"}`, 415},
		{"POST", "application/json", `{"path":"/*","mode":"explode"}`, 400},
		{"POST", "application/json", `{"path":"x","mode":"fail"}`, 400},
		{"POST", "application/json", `{"path":"/*","mode":"fail","status":200}`, 400},
		{"POST", "application/json", `{"path":"/*","mode":"slow","delay_ms":-1}`, 400},
		{"POST", "application/json", `{"path":"/*","mode":"fail","x":1}`, 400},
		{"PATCH", "application/json", ``, 405},
		{"GET", "", ``, 200},
	} {
		if got := send(c.method, c.contentType, c.body); got != c.want {
			t.Errorf("%s %s: got %d, want %d", c.method, c.body, got, c.want)
		}
	}
	if n := len(faults.Rules()); n != 1 {
		t.Errorf("%d rules, want 1", n)
	}
	if got := send("DELETE", "", ""); got != 204 || len(faults.Rules()) != 0 {
		t.Errorf("forgetting: %d, %d rules left", got, len(faults.Rules()))
	}
	if err := faults.Add(fail.Rule{Path: "/x", Mode: "explode"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("unknown mode: %v, want invalid", err)
	}
}
