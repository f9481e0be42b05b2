package jpki

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSameText(t *testing.T) {
	for _, c := range []struct {
		certified, alt, other string
		want                  bool
	}{
		{"佐賀　花子", "00000", "佐賀 花子", true},
		{"佐賀　花子", "00000", "佐賀花子", true},
		{"佐賀　花子", "00000", "佐賀　華子", false},
		{"佐賀　花子", "00010", "佐賀　華子", true},
		{"佐賀　花子", "00010", "佐賀　子", false},
		{"佐賀　はな子", "000110", "佐賀　\U0002a6d6子", true}, // one character replaced by its reading
		{"佐賀　はな子", "000110", "佐賀　子", false},
		{"佐賀　はな子", "000110", "佐賀　一二三子", false},
		{"高橋", "10", "髙橋", true},
		{"高橋", "01", "髙橋", false},
		{"葛飾", "00", "葛\U000e0101飾", true}, // variation selector
		{"", "", "", true},
		{"佐", "0", "", false},
		{"", "", "佐", false},
	} {
		if got := SameText(c.certified, c.alt, c.other); got != c.want {
			t.Errorf("SameText(%q, %q, %q) = %v", c.certified, c.alt, c.other, got)
		}
	}
}

// A text equals itself whatever is flagged, and any other character in a flagged place.
func TestSameTextProperties(t *testing.T) {
	letters := rapid.SampledFrom([]rune("山田川上下左右一二三　"))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(letters, 0, 12).Draw(t, "text")
		other, alt := make([]rune, len(text)), make([]byte, len(text))
		for i, c := range text {
			other[i], alt[i] = c, '0'
			if c != '　' && rapid.Bool().Draw(t, "replaced") {
				other[i], alt[i] = '々', '1'
			}
		}
		if !SameText(string(text), string(alt), string(text)) || !SameText(string(text), string(alt), string(other)) {
			t.Fatalf("%q with %q is neither itself nor %q", string(text), alt, string(other))
		}
	})
}

func TestSamePerson(t *testing.T) {
	s := Signer{
		Name: "佐賀　花子", NameAlt: "00000", BirthDate: "2003-04-05", Sex: Female, Address: "佐賀県佐賀市", AddressAlt: "000000",
	}
	same := Particulars{Name: "佐賀花子", BirthDate: "2003-04-05", Sex: Female, Address: "佐賀県佐賀市"}
	for name, c := range map[string]struct {
		change func(*Particulars)
		want   error
	}{
		"same":       {func(*Particulars) {}, nil},
		"no address": {func(p *Particulars) { p.Address = "" }, nil},
		"name":       {func(p *Particulars) { p.Name = "佐賀太郎" }, DifferentPerson},
		"birth date": {func(p *Particulars) { p.BirthDate = "2003-04-06" }, DifferentPerson},
		"no birth":   {func(p *Particulars) { p.BirthDate = "" }, DifferentPerson},
		"sex":        {func(p *Particulars) { p.Sex = Male }, DifferentPerson},
		"address":    {func(p *Particulars) { p.Address = "佐賀県唐津市" }, DifferentAddress},
	} {
		p := same
		c.change(&p)
		if err := s.SamePerson(p); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if err != nil && (strings.Contains(err.Error(), "佐賀") || strings.Contains(err.Error(), "2003")) {
			t.Errorf("%s: the error names particulars: %v", name, err)
		}
	}
	s.BirthDate = ""
	if err := s.SamePerson(Particulars{Name: same.Name, Sex: Female}); !errors.Is(err, DifferentPerson) {
		t.Errorf("two unknown birth dates: %v", err)
	}
}

func TestBirthDates(t *testing.T) {
	for raw, want := range map[string]string{
		"318730101": "-", "118730101": "1873-01-01", "119120729": "1912-07-29", "219120730": "1912-07-30", "219261224": "1926-12-24",
		"319261225": "1926-12-25", "319890107": "1989-01-07", "419890108": "1989-01-08", "420190430": "2019-04-30",
		"520190501": "2019-05-01", "319890108": "-", "420190501": "-", "520190430": "-", "020000101": "", "619000101": "-",
		"42000010": "-", "4200001011": "-", "42000O101": "-", "420000230": "-", "420000001": "-", "420040229": "2004-02-29", "420030229": "-",
	} {
		got, err := birthDate(raw)
		if want == "-" {
			if !errors.Is(err, BadBirthDate) {
				t.Errorf("birthDate(%s) = %q, %v; want %v", raw, got, err, BadBirthDate)
			}
			continue
		}
		if got != want || err != nil {
			t.Errorf("birthDate(%s) = %q, %v; want %q", raw, got, err, want)
		}
		if want == "" {
			continue
		}
		if back, err := BirthRaw(got); back != raw || err != nil {
			t.Errorf("BirthRaw(%s) = %q, %v; want %q", got, back, err, raw)
		}
	}
	for _, day := range []string{"1872-12-31", "2003-02-29", ""} {
		if got, err := BirthRaw(day); err == nil {
			t.Errorf("BirthRaw(%q) = %q", day, got)
		}
	}
}

func TestOtherNames(t *testing.T) {
	for name, c := range map[string]struct {
		san  []byte
		want error
	}{
		"empty":            {nil, MalformedSAN},
		"empty sequence":   {[]byte{0x30, 0}, MalformedSAN},
		"after the end":    {[]byte{0x30, 2, 0x82, 0, 0}, MalformedSAN},
		"cut":              {[]byte{0x30, 3, 0xa0, 2, 0}, MalformedSAN},
		"long length form": {[]byte{0x30, 0x81, 2, 0x82, 0}, MalformedSAN},
		"no type":          {[]byte{0x30, 4, 0xa0, 2, 5, 0}, MalformedSAN},
		"mail only":        {[]byte{0x30, 3, 0x81, 1, 'a'}, nil},
		"other otherName":  {[]byte{0x30, 9, 0xa0, 7, 6, 1, 0x2a, 0xa0, 2, 5, 0}, nil},
	} {
		found, err := readParticulars(c.san)
		if !errors.Is(err, c.want) || len(found) != 0 {
			t.Errorf("%s: %v, %v; want %v", name, found, err, c.want)
		}
	}
}

func FuzzParticulars(f *testing.F) {
	name := "\xa0\x15\x06\x0a\x2a\x83\x08\x8c\x9b\x55\x08\x05\x05\x01\xa0\x07\x0c\x05\x41\x42\x43\x44\x45"
	f.Add([]byte("0\x17" + name))
	f.Add([]byte{0x30, 3, 0x81, 1, 'a'})
	f.Fuzz(func(t *testing.T, san []byte) {
		found, err := readParticulars(san)
		if err != nil {
			var r *Refusal
			if !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		var s Signer
		if fillParticulars(&s, found) == nil && !SameText(s.Name, s.NameAlt, s.Name) {
			t.Errorf("%q is not itself", s.Name)
		}
	})
}
