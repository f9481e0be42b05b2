package publicid_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"akashi/internal/fault"
	"akashi/internal/publicid"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// anyID draws a code and makes an id of it.
func anyID(t *rapid.T) string {
	code := rapid.StringMatching(`[A-Z0-9]{4}`).Filter(publicid.ValidCode).Draw(t, "code")
	return publicid.New(code)
}

func TestNew(t *testing.T) {
	form := regexp.MustCompile(`^KGMH-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]$`)
	seen := map[string]bool{}
	for range 2000 {
		id := publicid.New("KGMH")
		if !form.MatchString(id) || seen[id] {
			t.Fatalf("New made %s", id)
		}
		seen[id] = true
		if got, code, err := publicid.Parse(id); err != nil || got != id || code != "KGMH" {
			t.Fatalf("Parse(%s) = %s, %s, %v", id, got, code, err)
		}
	}
}

// TestStandardExample is the MOD 37,36 example of ISO/IEC 7064 as independent implementations test it: A12425GABC1234002 takes
// the check character M. Our ids have another length, so it is compared on a body of fourteen characters worked out by
// hand: with 00000000000000 the sum goes 36→35→33→29→21→5→10→20→3→6→12→24→11→22→7, so that the check is 37-7=30, "U".
func TestStandardExample(t *testing.T) {
	if _, _, err := publicid.Parse("0000-00000-00000-U"); !errors.Is(err, fault.Invalid) {
		t.Errorf("a check character outside the alphabet of ids was accepted: %v", err)
	}
	if got := publicid.CheckCharacter("00000000000000"); got != 'U' {
		t.Errorf("check of fourteen zeros = %c, want U", got)
	}
	if got := publicid.CheckCharacter("A12425GABC1234002"); got != 'M' {
		t.Errorf("check of A12425GABC1234002 = %c, want M", got)
	}
}

func TestParseAsTyped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := anyID(t)
		typed := strings.ToLower(id)
		switch rapid.IntRange(0, 3).Draw(t, "way") {
		case 0:
			typed = strings.ReplaceAll(typed, "-", "")
		case 1:
			typed = " " + strings.ReplaceAll(typed, "-", "－") + "　"
		case 2:
			typed = strings.Map(func(r rune) rune { return r - '!' + '！' }, id)
		case 3:
			typed = id[:5] + strings.NewReplacer("0", "o", "1", "l").Replace(id[5:])
		}
		if got, code, err := publicid.Parse(typed); err != nil || got != id || code != id[:4] {
			t.Fatalf("Parse(%q) = %s, %s, %v; want %s", typed, got, code, err, id)
		}
	})
}

// TestSlips: every wrong character and every exchange of neighbours is refused, or read as the id that was meant.
func TestSlips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := anyID(t)
		plain := strings.ReplaceAll(id, "-", "")
		for i := range plain {
			for _, c := range alphabet {
				refused(t, id, plain[:i]+string(c)+plain[i+1:])
			}
			if i > 0 {
				refused(t, id, plain[:i-1]+plain[i:i+1]+plain[i-1:i]+plain[i+1:])
			}
			refused(t, id, plain[:i]+plain[i+1:])
		}
	})
}

func refused(t *rapid.T, id, typed string) {
	got, _, err := publicid.Parse(typed)
	if got != id && !errors.Is(err, fault.Invalid) {
		t.Fatalf("%s typed as %s is read as %s, %v", id, typed, got, err)
	}
}

func TestValidCode(t *testing.T) {
	for code, want := range map[string]bool{"KGMH": true, "JK41": true, "": false, "KGM": false, "kgmh": false, "KGMHX": false, "看護": false} {
		if publicid.ValidCode(code) != want {
			t.Errorf("ValidCode(%q) = %v", code, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("KGMH-7F3K9-2QX8T-C")
	f.Add("ｋｇｍｈ７Ｆ３Ｋ９２ＱＸ８ＴＣ")
	f.Fuzz(func(t *testing.T, s string) {
		id, code, err := publicid.Parse(s)
		if err != nil {
			return
		}
		if again, c, err := publicid.Parse(id); err != nil || again != id || c != code {
			t.Errorf("%q gives %s, which gives %s, %v", s, id, again, err)
		}
	})
}

// TestSecret: a secret code is read as people type it, and one wrong character is found.
func TestSecret(t *testing.T) {
	form := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$`)
	seen := map[string]bool{}
	for range 500 {
		code := publicid.NewSecret()
		if !form.MatchString(code) || seen[code] {
			t.Fatalf("NewSecret made %s", code)
		}
		seen[code] = true
		for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), "　" + strings.ReplaceAll(code, "-", "－"), strings.NewReplacer("0", "O", "1", "l").Replace(code)} {
			if got, err := publicid.ParseSecret(typed); err != nil || got != code {
				t.Fatalf("ParseSecret(%s) = %s, %v, want %s", typed, got, err, code)
			}
		}
		wrong := "A"
		if code[7] == 'A' {
			wrong = "B"
		}
		if _, err := publicid.ParseSecret(code[:7] + wrong + code[8:]); !strings.Contains(fmt.Sprint(err), "check character") || !errors.Is(err, fault.Invalid) {
			t.Fatalf("a slip in %s: %v", code, err)
		}
	}
	for _, typed := range []string{"", "7F3K9", strings.Repeat("7", 21), strings.Repeat("？", 20), strings.Repeat("0", 300)} {
		if _, err := publicid.ParseSecret(typed); !errors.Is(err, fault.Invalid) {
			t.Errorf("ParseSecret(%q): %v", typed, err)
		}
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add("7f3k9 2qx8t-4mn0p－C6RVW")
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := publicid.ParseSecret(typed)
		if err != nil {
			return
		}
		if again, err := publicid.ParseSecret(code); err != nil || again != code {
			t.Errorf("%q reads %s, and that reads %s, %v", typed, code, again, err)
		}
	})
}
