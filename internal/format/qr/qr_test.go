package qr_test

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"akashi/internal/fault"
	"akashi/internal/format/qr"

	"pgregory.net/rapid"
)

// paint draws the modules with the given number of pixels each, turned by degrees on a grey ground.
func paint(t interface{ Fatal(...any) }, text string, scale int, degrees float64) image.Image {
	rows, err := qr.Matrix(text, qr.Low)
	if err != nil {
		t.Fatal(err)
	}
	side := (len(rows) + 8) * scale
	canvas := int(float64(side) * 1.5)
	picture := image.NewGray(image.Rect(0, 0, canvas, canvas))
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	for y := range canvas {
		for x := range canvas {
			dx, dy := float64(x-canvas/2), float64(y-canvas/2)
			u, v := dx*cos+dy*sin+float64(side)/2, dy*cos-dx*sin+float64(side)/2
			picture.Pix[y*picture.Stride+x] = shade(rows, u/float64(scale)-4, v/float64(scale)-4)
		}
	}
	return picture
}

func shade(rows [][]bool, u, v float64) uint8 {
	x, y := int(math.Floor(u)), int(math.Floor(v))
	if x < -4 || y < -4 || x >= len(rows)+4 || y >= len(rows)+4 {
		return 200
	}
	if x >= 0 && y >= 0 && x < len(rows) && y < len(rows) && rows[y][x] {
		return 30
	}
	return 240
}

func asPNG(t interface{ Fatal(...any) }, picture image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "raw")
		text := "https://127.0.0.3:8402/w/?c=" + base64.RawURLEncoding.EncodeToString(raw)
		got, err := qr.Decode(asPNG(t, paint(t, text, 3, rapid.Float64Range(0, 360).Draw(t, "degrees"))))
		if err != nil || got != text {
			t.Fatalf("read %q, %v; want %q", got, err, text)
		}
	})
}

func TestDecodeTurnedAndScaled(t *testing.T) {
	text := "https://127.0.0.3:8402/w/?c=" + strings.Repeat("aB3-_", 134) // 698 characters
	for _, c := range []struct {
		scale   int
		degrees float64
	}{{3, 0}, {3, 90}, {4, 180}, {4, 270}, {5, 7}, {6, 30}, {12, 45}, {16, 180}} {
		got, err := qr.Decode(asPNG(t, paint(t, text, c.scale, c.degrees)))
		if err != nil || got != text {
			t.Errorf("%d pixels per module, turned by %v degrees: %v", c.scale, c.degrees, err)
		}
	}
}

func TestDecodePhotograph(t *testing.T) {
	text := "https://127.0.0.3:8402/w/?c=" + strings.Repeat("Zz09", 90)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, paint(t, text, 8, 12), &jpeg.Options{Quality: 60}); err != nil {
		t.Fatal(err)
	}
	if got, err := qr.Decode(b.Bytes()); err != nil || got != text {
		t.Fatalf("read %q, %v", got, err)
	}
}

func TestDecodeTransparentGround(t *testing.T) {
	rows, err := qr.Matrix("証明", qr.High)
	if err != nil {
		t.Fatal(err)
	}
	picture := image.NewNRGBA(image.Rect(0, 0, (len(rows)+8)*5, (len(rows)+8)*5))
	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			if i, j := y/5-4, x/5-4; i >= 0 && j >= 0 && i < len(rows) && j < len(rows) && rows[i][j] {
				picture.SetNRGBA(x, y, color.NRGBA{A: 255})
			}
		}
	}
	if got, err := qr.Decode(asPNG(t, picture)); err != nil || got != "証明" {
		t.Fatalf("read %q, %v", got, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	blank := asPNG(t, image.NewGray(image.Rect(0, 0, 64, 64)))
	wide := asPNG(t, image.NewGray(image.Rect(0, 0, 40_000, 401)))
	for _, c := range []struct {
		name string
		file []byte
		kind fault.Kind
		key  string
	}{
		{"empty", nil, fault.Invalid, "qr.not_an_image"},
		{"text", []byte("not a picture"), fault.Invalid, "qr.not_an_image"},
		{"cut short", blank[:len(blank)-20], fault.Invalid, "qr.not_an_image"},
		{"no code", blank, fault.Invalid, "qr.not_found"},
		{"a strip", asPNG(t, image.NewGray(image.Rect(0, 0, 9000, 1))), fault.Invalid, "qr.not_found"},
		{"too many bytes", make([]byte, qr.MaxBytes+1), fault.TooLarge, "qr.file_too_large"},
		{"too many pixels", wide, fault.TooLarge, "qr.picture_too_large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := qr.Decode(c.file)
			var f *fault.Error
			if !errors.As(err, &f) || f.Kind != c.kind || f.Key != c.key {
				t.Fatalf("got %v, want %s %s", err, c.kind, c.key)
			}
		})
	}
}

func TestSVG(t *testing.T) {
	svg, err := qr.SVG("https://127.0.0.3:8402/w/?c=AAAA", qr.Options{ID: "code", Title: `看護師 <免許> & "証"`, Description: "読み取り用"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(svg, "style") || strings.Contains(svg, "<script") {
		t.Error("the drawing carries style or script")
	}
	if want := `aria-labelledby="code-title" aria-describedby="code-desc"`; !strings.Contains(svg, want) {
		t.Errorf("no %s in %s", want, svg[:200])
	}
	titles := 0
	for d := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if data, ok := token.(xml.CharData); ok && string(data) == `看護師 <免許> & "証"` {
			titles++
		}
	}
	if titles != 1 {
		t.Errorf("the title is read %d times, want once", titles)
	}
}

func TestSVGRefuses(t *testing.T) {
	if _, err := qr.SVG("x", qr.Options{ID: "code"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a title: %v, want invalid", err)
	}
	if _, err := qr.SVG("", qr.Options{ID: "code", Title: "t"}); !errors.Is(err, fault.Invalid) {
		t.Errorf("without a text: %v, want invalid", err)
	}
	if _, err := qr.SVG(strings.Repeat("x", 3000), qr.Options{ID: "code", Title: "t"}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("3,000 bytes: %v, want too_large", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(asPNG(f, image.NewGray(image.Rect(0, 0, 3, 3))))
	f.Add(asPNG(f, paint(f, "seed", 3, 0)))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 4096 {
			return
		}
		if _, err := qr.Decode(file); err != nil && fault.KindOf(err) == fault.Internal {
			t.Fatalf("unclassified: %v", err)
		}
	})
}
