package qr_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/boombuler/barcode"
	other "github.com/boombuler/barcode/qr"

	"akashi/internal/format/qr"
)

// TestSameAsAnotherLibrary draws texts of many lengths with an independent library too. Two symbols of one text, level
// and mask are the same to the module; which mask is best is judged a little differently by each, so the format
// information tells which ones can be compared.
func TestSameAsAnotherLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_?=&:/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	compared := 0
	for length := 12; length < 900; length += 31 {
		text := make([]byte, length)
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		code, err := other.Encode(string(text), other.M, other.Unicode)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := qr.Matrix(string(text), qr.Medium)
		if err != nil {
			t.Fatal(err)
		}
		theirs := modules(code)
		if len(rows) != len(theirs) {
			t.Fatalf("%d characters: %d modules a side, the other library has %d", length, len(rows), len(theirs))
		}
		if !slices.Equal(rows[8][:6], theirs[8][:6]) {
			continue // another mask
		}
		compared++
		for y := range rows {
			if !slices.Equal(rows[y], theirs[y]) {
				t.Fatalf("%d characters: row %d differs", length, y)
			}
		}
	}
	if compared < 5 {
		t.Errorf("only %d symbols had the same mask", compared)
	}
}

func modules(code barcode.Barcode) [][]bool {
	size := code.Bounds().Dx()
	rows := make([][]bool, size)
	for y := range rows {
		rows[y] = make([]bool, size)
		for x := range rows[y] {
			red, _, _, _ := code.At(x, y).RGBA()
			rows[y][x] = red == 0
		}
	}
	return rows
}
