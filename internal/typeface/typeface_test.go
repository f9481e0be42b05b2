package typeface_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/typeface"
)

// TestOpen: with the font of the system a registered variant of a kanji has a glyph, without it is refused; a file that is
// named and missing stops the start.
func TestOpen(t *testing.T) {
	t.Parallel()
	s, err := typeface.Open("")
	if err != nil || s.NameFont == "" {
		t.Fatalf("font for names %q, error %v: tools/install.sh installs fonts-ipamj-mincho", s.NameFont, err)
	}
	text, names, err := s.Families()
	if err != nil || len(text) != 2 || len(names) != 2 {
		t.Fatalf("%d and %d fonts, error %v", len(text), len(names), err)
	}
	const variant = "邉\U000E0110"
	if err := names.Covers(variant); err != nil {
		t.Error(err)
	}
	if err := text[:1].Covers(variant); !errors.Is(err, fault.Invalid) {
		t.Errorf("the program's own font: %v, want invalid", err)
	}
	if _, err := typeface.Open(filepath.Join(t.TempDir(), "none.ttf")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.ttf")
	if err := os.WriteFile(broken, []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = typeface.Open(broken); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Families(); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "broken.ttf") {
		t.Errorf("a file that is no font: %v", err)
	}
}
