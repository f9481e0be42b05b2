// Package qr draws a text as a QR code (ISO/IEC 18004) and reads the code back from a photograph that somebody uploads.
//
// Drawing gives the modules themselves, for a PDF, or an SVG of one path that needs neither script nor style. Reading
// takes PNG and JPEG, bounds bytes and pixels before it decodes anything, and tells apart the two things a visitor can
// correct: the file is not an image, or no code was found in it.
package qr

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"akashi/internal/fault"
)

// Level is how much damage the code survives.
type Level int

const (
	// Low restores about 7 % of the code; for a screen.
	Low Level = iota
	// Medium restores about 15 %; for paper.
	Medium
	// High restores about 25 %; for a card that is carried about (the standard's level Q).
	High
)

// quietZone is the empty margin in modules that the standard requires on each side.
const quietZone = 4

// Options describes a drawing. Title and Description are read out by a screen reader in place of the picture; ID is a
// prefix for the ids inside the SVG, to be different for each code on a page.
type Options struct {
	Level       Level
	ID          string
	Title       string
	Description string
}

// Matrix returns the modules row by row, true for dark, without the quiet zone. It fails with fault.TooLarge when the
// text does not fit (2,953 bytes at Low, 2,331 at Medium, 1,663 at High).
func Matrix(text string, level Level) ([][]bool, error) {
	if text == "" {
		return nil, fault.New(fault.Invalid, "qr.empty", "drawing an empty QR code")
	}
	data, version := content(text, correction(level))
	if version == nil {
		return nil, fault.New(fault.TooLarge, "qr.too_long", fmt.Sprintf("drawing a QR code of %d bytes", len(text)))
	}
	s := compose(interleaved(data, version.GetECBlocksForLevel(correction(level))), version).best(correction(level))
	rows, modules := make([][]bool, s.size), make([]bool, s.size*s.size)
	for y := range rows {
		rows[y], modules = modules[:s.size:s.size], modules[s.size:]
		for x := range rows[y] {
			rows[y][x] = s.rows[y].get(x)
		}
	}
	return rows, nil
}

// SVG returns the code as an SVG element with a white ground, its quiet zone, and a title and description. It fails as
// Matrix does, and with fault.Invalid when Title or ID is missing: a code without a name says nothing to a screen reader.
func SVG(text string, o Options) (string, error) {
	if o.Title == "" || o.ID == "" {
		return "", fault.New(fault.Invalid, "qr.untitled", "drawing a QR code without a title or an id")
	}
	rows, err := Matrix(text, o.Level)
	if err != nil {
		return "", err
	}
	side := len(rows) + 2*quietZone
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" shape-rendering="crispEdges"`, side, side)
	writeNames(&b, o)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`, side, side, path(rows))
	return b.String(), nil
}

// writeNames closes the opening tag with the references to title and description and writes both.
func writeNames(b *strings.Builder, o Options) {
	id := escape(o.ID)
	if o.Description == "" {
		fmt.Fprintf(b, ` aria-labelledby="%s-title"><title id="%s-title">%s</title>`, id, id, escape(o.Title))
		return
	}
	fmt.Fprintf(b, ` aria-labelledby="%s-title" aria-describedby="%s-desc"><title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`,
		id, id, id, escape(o.Title), id, escape(o.Description))
}

// path draws each horizontal run of dark modules as one rectangle.
func path(rows [][]bool) string {
	var b strings.Builder
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			start := x
			for x < len(row) && row[x] {
				x++
			}
			if n := x - start; n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", start+quietZone, y+quietZone, n, n)
			}
		}
	}
	return b.String()
}

func correction(level Level) decoder.ErrorCorrectionLevel {
	switch level {
	case Medium:
		return decoder.ErrorCorrectionLevel_M
	case High:
		return decoder.ErrorCorrectionLevel_Q
	}
	return decoder.ErrorCorrectionLevel_L
}

func escape(s string) string {
	var b strings.Builder
	// A strings.Builder never fails to write.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}
