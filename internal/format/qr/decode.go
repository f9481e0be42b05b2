package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"iter"

	"akashi/internal/fault"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const (
	// MaxBytes bounds an uploaded file.
	MaxBytes = 12 << 20
	// MaxPixels bounds a photograph (JPEG); telephones make 12 to 50 million.
	MaxPixels = 52_000_000
	// MaxPixelsPNG bounds a screenshot (PNG), whose few bytes can unfold to eight per pixel.
	MaxPixelsPNG = 16_000_000
)

// Decode returns the text of the QR code in a PNG or JPEG picture, whichever way it is turned. It fails with
// fault.TooLarge (key qr.file_too_large or qr.picture_too_large) or fault.Invalid (qr.not_an_image, qr.not_found).
func Decode(file []byte) (string, error) {
	picture, err := open(file)
	if err != nil {
		return "", err
	}
	gray := toGray(picture)
	for size := range sizes(gray.Rect) {
		if text, ok := read(resize(gray, size)); ok {
			return text, nil
		}
	}
	return "", fault.New(fault.Invalid, "qr.not_found", "looking for a QR code in a picture")
}

func open(file []byte) (image.Image, error) {
	if len(file) > MaxBytes {
		return nil, fault.New(fault.TooLarge, "qr.file_too_large", fmt.Sprintf("reading a picture of %d bytes", len(file)))
	}
	config, decode, limit := jpeg.DecodeConfig, jpeg.Decode, MaxPixels
	if bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")) {
		config, decode, limit = png.DecodeConfig, png.Decode, MaxPixelsPNG
	}
	size, err := config(bytes.NewReader(file))
	if err != nil {
		return nil, notAnImage(err)
	}
	if size.Width <= 0 || size.Height <= 0 || size.Width > limit/size.Height {
		return nil, fault.New(fault.TooLarge, "qr.picture_too_large", fmt.Sprintf("reading a picture of %d x %d", size.Width, size.Height))
	}
	picture, err := decode(bytes.NewReader(file))
	if err != nil {
		return nil, notAnImage(err)
	}
	return picture, nil
}

func notAnImage(err error) error {
	return &fault.Error{Kind: fault.Invalid, Key: "qr.not_an_image", Doing: "reading a picture", Err: err}
}

// toGray returns the brightness of the picture on a white ground, so that a transparent margin is not black. The luma
// plane of a JPEG already is that and is used in place: a photograph would otherwise be held in memory twice.
func toGray(picture image.Image) *image.Gray {
	switch p := picture.(type) {
	case *image.YCbCr:
		return &image.Gray{Pix: p.Y, Stride: p.YStride, Rect: p.Rect}
	case *image.Gray:
		return p
	}
	bounds := picture.Bounds()
	gray := image.NewGray(bounds)
	draw.Draw(gray, bounds, image.White, image.Point{}, draw.Src)
	draw.Draw(gray, bounds, picture, bounds.Min, draw.Over)
	return gray
}

// sizes gives the sizes at which a code is looked for, the likely ones first. A code may be small in a sharp picture or
// large in a noisy one; and the reader, which samples along lines, misses about one good picture in fifteen at any single
// size but hardly ever the same one at several.
func sizes(bounds image.Rectangle) iter.Seq[image.Point] {
	return func(yield func(image.Point) bool) {
		longest := float64(max(bounds.Dx(), bounds.Dy()))
		base := min(1, 1000/longest)
		for _, factor := range []float64{1, 1.5, 0.8, 2.2, 0.5, 1.25, 0.65, 1.8, 3.5} {
			f := base * factor
			size := image.Pt(int(float64(bounds.Dx())*f), int(float64(bounds.Dy())*f))
			if size.X < 1 || size.Y < 1 {
				continue
			}
			if !yield(size) {
				return
			}
		}
	}
}

// resize returns the picture at the size: first each pixel as the mean of a square of whole pixels, then by linear
// interpolation to the exact size.
func resize(src *image.Gray, size image.Point) *image.Gray {
	src = shrink(src, min(src.Rect.Dx()/size.X, src.Rect.Dy()/size.Y))
	if src.Rect.Size() == size {
		return src
	}
	dst := image.NewGray(image.Rectangle{Max: size})
	stepX, stepY := float64(src.Rect.Dx())/float64(size.X), float64(src.Rect.Dy())/float64(size.Y)
	for y := range size.Y {
		for x := range size.X {
			dst.Pix[y*dst.Stride+x] = between(src, (float64(x)+0.5)*stepX-0.5, (float64(y)+0.5)*stepY-0.5)
		}
	}
	return dst
}

// between reads the brightness at a point that lies between pixels.
func between(src *image.Gray, x, y float64) uint8 {
	x, y = max(x, 0), max(y, 0)
	left, top := int(x), int(y)
	right, bottom := min(left+1, src.Rect.Dx()-1), min(top+1, src.Rect.Dy()-1)
	ax, ay := x-float64(left), y-float64(top)
	at := func(x, y int) float64 { return float64(src.Pix[y*src.Stride+x]) }
	above := at(left, top)*(1-ax) + at(right, top)*ax
	below := at(left, bottom)*(1-ax) + at(right, bottom)*ax
	return uint8(above*(1-ay) + below*ay)
}

func shrink(src *image.Gray, factor int) *image.Gray {
	if factor <= 1 {
		return src
	}
	dst := image.NewGray(image.Rect(0, 0, src.Rect.Dx()/factor, src.Rect.Dy()/factor))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			dst.Pix[y*dst.Stride+x] = mean(src, x*factor, y*factor, factor)
		}
	}
	return dst
}

func mean(src *image.Gray, left, top, factor int) uint8 {
	sum := 0
	for y := top; y < top+factor; y++ {
		row := src.Pix[y*src.Stride:]
		for x := left; x < left+factor; x++ {
			sum += int(row[x])
		}
	}
	return uint8(sum / (factor * factor))
}

// read looks for a code with both ways of telling dark from light: by neighbourhood, for uneven light, and by one
// threshold for the whole picture.
func read(picture *image.Gray) (text string, ok bool) {
	// The reader indexes by coordinates it computed from the picture; a hostile picture may make it step outside, which
	// means the same to the visitor as finding nothing.
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	source := gozxing.NewLuminanceSourceFromImage(picture)
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true, gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			continue
		}
		if result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return result.GetText(), true
		}
	}
	return "", false
}
