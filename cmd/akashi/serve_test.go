package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/clock"
)

// Mistakes are found before anything is started, and say what to change.
func TestServeSaysWhatIsMissing(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"serve --portals=worker":                "the address of the resident registry (--resident-url) is missing; the address of the family register (--family-url) is missing",
		"serve --portals=kitchen":               `there is no part "kitchen"; the parts are citizen, office, public, api, worker`,
		"serve --anchors=" + empty:              "has no certificate in PEM",
		"serve --proxy=here":                    "--proxy",
		"serve --public-origin=http://a.b/path": "the origin of the part public",
		"migrate --database=here":               "--database is an address such as postgres://host/akashi",
		"demo --base-port=65530":                "--base-port is a number from 1 to 65525",
		"demo --at=soon":                        "--at is a date",
		"simulate --at=2026-13-01":              "--at is a date",
	} {
		code, out, err := try(append(strings.Fields(args), "--data-dir="+t.TempDir())...)
		if code != exitUsage || !strings.Contains(err, want) || out != "" {
			t.Errorf("akashi %s: exit %d, %q and %q; want %d with %q", args, code, out, err, exitUsage, want)
		}
	}
}

// The keys to register outside are printed without their private halves, the same at every call.
func TestServePrintsKeysToRegister(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	code, first, err := try("serve", "--keys", "--data-dir="+dir)
	if code != exitOK || err != "" {
		t.Fatalf("exit %d: %s", code, err)
	}
	var sets map[string]struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(first), &sets); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]int{"citizen_login": 2, "staff_login": 1, "services": 1} {
		if len(sets[name].Keys) != n {
			t.Errorf("%s has %d keys, want %d", name, len(sets[name].Keys), n)
		}
		for _, key := range sets[name].Keys {
			if key["d"] != nil || key["kid"] == nil || key["use"] == nil {
				t.Errorf("%s has the key %v", name, key)
			}
		}
	}
	if _, again, _ := try("serve", "--keys", "--data-dir="+dir); again != first {
		t.Error("the second call prints other keys")
	}
}

func TestDatesOfTheDemonstration(t *testing.T) {
	for given, want := range map[string]time.Time{
		"2026-12-01":       time.Date(2026, 12, 1, 9, 0, 0, 0, clock.JST),
		"2027-02-28T23:59": time.Date(2027, 2, 28, 23, 59, 0, 0, clock.JST),
	} {
		if got, err := parseAt(given); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v; want %v", given, got, err, want)
		}
	}
}
