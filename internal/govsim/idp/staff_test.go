package idp_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"akashi/internal/govsim/ca"
	"akashi/internal/govsim/idp"
)

func TestStaffPages(t *testing.T) {
	b := &bench{t: t, clock: newClock()}
	b.makeKeys()
	user := idp.StaffUser{Subject: "staff-1", Username: "ito", Name: "伊藤　審査", Password: "shinsa", OTPKey: []byte("12345678901234567890")}
	b.start(func(origin string) (*idp.Server, error) {
		return idp.NewStaff(idp.StaffConfig{Issuer: origin + "/realms/staff", Clock: b.clock, Staff: []idp.StaffUser{user},
			Clients: []idp.Client{b.client("RP1", []string{"openid", "profile"})}})
	}, "/realms/staff")
	stepUp := map[string]string{"scope": "openid profile", "acr_values": "step-up", "max_age": "0"}
	if back := b.begin(map[string]string{"scope": "openid", "acr_values": "", "max_age": "soon"}).back(); back.Get("error") != "invalid_request" {
		t.Errorf("max_age in words: %v", back)
	}

	v := b.begin(stepUp).post("code", "code", user.OTP(b.clock.Now()))
	if v.page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code before the password: %s", v.page.Status)
	}
	v.post("password", "username", "ito", "password", "shinsa")
	code := user.OTP(b.clock.Now())
	if back := v.post("code", "code", code).back(); back.Get("code") == "" {
		t.Fatalf("step-up: %v", back)
	}
	v = b.begin(stepUp).post("password", "username", "ito", "password", "shinsa").post("code", "code", code)
	if v.page.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(v.text, "使用済み") {
		t.Errorf("the same code again: %s", v.page.Status)
	}
	b.clock.Advance(time.Minute)
	if back := v.post("code", "code", user.OTP(b.clock.Now())).back(); back.Get("code") == "" {
		t.Errorf("the next code: %v", back)
	}

	v = b.begin(map[string]string{"scope": "openid", "acr_values": ""})
	for range 5 {
		v.post("password", "username", "ito", "password", "wrong")
	}
	if v.post("password", "username", "ito", "password", "shinsa"); v.page.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("five wrong passwords do not lock: %s", v.page.Status)
	}
	if err := b.Unlock("ito"); err != nil {
		t.Fatal(err)
	}
	if back := v.post("password", "username", "ito", "password", "shinsa").back(); back.Get("code") == "" {
		t.Errorf("unlocked: %v", back)
	}
	if b.PutOnReader("hanako") == nil || b.Revoke("hanako", ca.Signing) == nil {
		t.Error("the staff's provider has cards")
	}
	resp, err := http.Get(b.origin + "/admin/reader")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("an API without a token: %s", resp.Status)
	}
}

// RFC 6238 appendix B, SHA-1, the last six of eight digits.
func TestOneTimeCodes(t *testing.T) {
	u := idp.StaffUser{OTPKey: []byte("12345678901234567890")}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := u.OTP(time.Unix(at, 0)); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
}
