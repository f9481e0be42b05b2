package qr_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"

	"akashi/internal/fault"
	"akashi/internal/format/qr"
)

var levels = map[qr.Level]decoder.ErrorCorrectionLevel{qr.Low: decoder.ErrorCorrectionLevel_L, qr.Medium: decoder.ErrorCorrectionLevel_M, qr.High: decoder.ErrorCorrectionLevel_Q}

// same compares a symbol with the one of ZXing's encoder, module by module, its mask included.
func same(t *testing.T, text string, level qr.Level, hints map[gozxing.EncodeHintType]any) {
	t.Helper()
	rows, err := qr.Matrix(text, level)
	code, theirs := encoder.Encoder_encode(text, levels[level], hints)
	if theirs != nil {
		if fault.KindOf(err) != fault.TooLarge {
			t.Errorf("%d bytes at level %d, which the other library refuses (%v): %v", len(text), level, theirs, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("%d bytes at level %d: %v", len(text), level, err)
	}
	for y, row := range code.GetMatrix().GetArray() {
		if !slices.EqualFunc(rows[y], row, func(a bool, b int8) bool { return a == (b == 1) }) {
			t.Fatalf("%d bytes at level %d, version %d: row %d differs", len(text), level, code.GetVersion().GetVersionNumber(), y)
		}
	}
}

// TestSameAsZXing: in every mode, version and level the symbol is the one that ZXing draws, up to the longest texts and
// beyond.
func TestSameAsZXing(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for _, letters := range []string{"0123456789", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", "abcdefghijklmnopqrstuvwxyz0123456789-_?=&:/ABCDEFGHIJKLMNOPQRSTUVWXYZ"} {
		for level := range levels {
			for length := 1; length < 7200; length += 1 + length/3 {
				var text strings.Builder
				for range length {
					text.WriteByte(letters[random.IntN(len(letters))])
				}
				same(t, text.String(), level, nil)
			}
		}
	}
}

// TestSameAsZXingAtTheEdges: texts that just fit a version, and just do not.
func TestSameAsZXingAtTheEdges(t *testing.T) {
	t.Parallel()
	for level, their := range levels {
		for number := 1; number <= 40; number += 1 + number/4 {
			version, err := decoder.Version_GetVersionForNumber(number)
			if err != nil {
				t.Fatal(err)
			}
			room := version.GetTotalCodewords() - version.GetECBlocksForLevel(their).GetTotalECCodewords()
			for length := max(1, room-3); length < room; length++ {
				same(t, strings.Repeat("x", length), level, nil)
				same(t, strings.Repeat("7", length*12/5), level, nil)
			}
		}
	}
}

// TestSameAsZXingBeyondASCII: such texts are declared as UTF-8.
func TestSameAsZXingBeyondASCII(t *testing.T) {
	t.Parallel()
	declared := map[gozxing.EncodeHintType]any{gozxing.EncodeHintType_CHARACTER_SET: "UTF-8"}
	for n := 1; n < 400; n += 23 {
		for level := range levels {
			same(t, strings.Repeat("看護師 髙", n), level, declared)
		}
	}
}

func BenchmarkMatrix(b *testing.B) {
	for _, length := range []int{100, 550} {
		text := "https://verify.akashi.example/w/?c=" + strings.Repeat("0hFDoQEmoQRYIDEyMzQ1Njc4OTAxMjM0", 18)[:length-35]
		b.Run(fmt.Sprint(length), func(b *testing.B) {
			for b.Loop() {
				if _, err := qr.Matrix(text, qr.Medium); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprint(length, " by ZXing"), func(b *testing.B) {
			for b.Loop() {
				if _, err := encoder.Encoder_encode(text, decoder.ErrorCorrectionLevel_M, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
