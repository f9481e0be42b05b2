// Package typeface has the fonts that documents are drawn with: BIZ UDPGothic, which the program carries with it, for text,
// and IPAmj Mincho (IPAmj明朝), with the characters of family registers and their variation sequences, for names. The latter
// is 46 MB and under a licence of its own; it comes from the system (Debian's package fonts-ipamj-mincho).
//
// Without IPAmj Mincho, names are drawn with what the program carries. A name with a character that is not in it then gets
// no document, rather than one with another name.
package typeface

import (
	_ "embed" // for the font
	"fmt"
	"os"
	"sync"

	"akashi/internal/format/pdf"
)

//go:embed BIZUDPGothic-Regular.ttf
var gothic []byte

// places are where systems keep IPAmj Mincho.
var places = []string{
	"/usr/share/fonts/truetype/ipamj/ipamjm.ttf", // Debian and its relatives
	"/usr/share/fonts/ipa-mj-mincho/ipamjm.ttf",
	"/usr/local/share/fonts/ipamjm.ttf",
}

// Shelf is the fonts of one program. They are read and parsed when they are first asked for, once.
type Shelf struct {
	// NameFont is the file of IPAmj Mincho, "" when there is none.
	NameFont string

	read func() (families, error)
}

type families struct{ text, names pdf.Family }

// Open looks for the fonts. path names the file of IPAmj Mincho and must exist; "" looks in the places where systems keep it.
func Open(path string) (*Shelf, error) {
	s := &Shelf{NameFont: path}
	if path != "" {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("looking for the font for names: %w", err)
		}
	}
	for _, each := range places {
		if _, err := os.Stat(each); err == nil && s.NameFont == "" {
			s.NameFont = each
		}
	}
	s.read = sync.OnceValues(s.parse)
	return s, nil
}

// Families returns the fonts for text and for names, each with the other to fall back on.
func (s *Shelf) Families() (text, names pdf.Family, err error) {
	f, err := s.read()
	return f.text, f.names, err
}

func (s *Shelf) parse() (families, error) {
	sans, err := pdf.ParseFont(gothic)
	if err != nil {
		return families{}, fmt.Errorf("reading BIZ UDPGothic: %w", err)
	}
	if s.NameFont == "" {
		return families{text: pdf.Family{sans}, names: pdf.Family{sans}}, nil
	}
	file, err := os.ReadFile(s.NameFont)
	if err != nil {
		return families{}, fmt.Errorf("reading the font for names: %w", err)
	}
	mincho, err := pdf.ParseFont(file)
	if err != nil {
		return families{}, fmt.Errorf("reading %s: %w", s.NameFont, err)
	}
	return families{text: pdf.Family{sans, mincho}, names: pdf.Family{mincho, sans}}, nil
}
