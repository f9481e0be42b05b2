// Package uitest has what the portals' tests share: the check of a catalogue against the sources that use it, and a site
// without surroundings.
package uitest

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/portal/ui"
)

// uses matches a key of the catalogue where Go or templ sources name it literally: p.T("…"), p.R("…"), p.Say("…"),
// site.Page(r, "…"), fault.New(kind, "…"), Key: "…".
var uses = regexp.MustCompile(`(?:\.(?:T|R|Say)\(|\.Page\(r, |\bfault\.New\(fault\.\w+, |\bKey:\s*)"([a-z0-9_]+(?:\.[a-z0-9_]+)+)"(\s*\+)?`)

// Catalogue reads the common wordings and those of the trees, or fails the test.
func Catalogue(t testing.TB, trees ...fs.FS) *ui.Catalogue {
	t.Helper()
	c, err := ui.NewCatalogue(trees...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// CheckCatalogue fails the test for every missing cell, for unequal placeholders, and for every key that the .go and
// .templ files under the directories use and the catalogue does not have.
func CheckCatalogue(t testing.TB, c *ui.Catalogue, dirs ...string) {
	t.Helper()
	for _, problem := range c.Problems() {
		t.Error(problem)
	}
	for _, dir := range dirs {
		for file, keys := range keysUsed(t, dir) {
			for _, key := range keys {
				if !c.Has(key) {
					t.Errorf("%s uses the key %q, which the catalogue does not have", file, key)
				}
			}
		}
	}
}

// keysUsed lists the keys by file. Generated and test files are left out, and keys that are put together at run time.
func keysUsed(t testing.TB, dir string) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isSource(path) {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range uses.FindAllStringSubmatch(string(raw), -1) {
			if m[2] == "" {
				found[path] = append(found[path], m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func isSource(path string) bool {
	if strings.HasSuffix(path, "_templ.go") || strings.HasSuffix(path, "_test.go") {
		return false
	}
	return strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ")
}

// CheckFaults fails the test for a kind of error without words.
func CheckFaults(t testing.TB, c *ui.Catalogue) {
	t.Helper()
	for _, kind := range []fault.Kind{fault.NotFound, fault.Invalid, fault.Forbidden, fault.Unauthenticated, fault.StepUp, fault.Conflict,
		fault.Gone, fault.TooLarge, fault.TooMany, fault.Upstream, fault.Internal} {
		for _, key := range []string{"fault." + string(kind), "fault." + string(kind) + ".title"} {
			if !c.Has(key) {
				t.Errorf("the catalogue has no %q", key)
			}
		}
	}
}

// Site makes a site for handler tests. The zero values of cfg are filled in: common wordings, the given time, no log.
func Site(t testing.TB, cfg ui.Config) *ui.Site {
	t.Helper()
	if cfg.Audience == "" {
		cfg.Audience = ui.Citizen
	}
	if cfg.Origin == "" {
		cfg.Origin = "http://127.0.0.1"
	}
	if cfg.Catalogue == nil {
		cfg.Catalogue = Catalogue(t)
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	site, err := ui.NewSite(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return site
}
