package blob

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"strconv"

	"akashi/internal/fault"
)

// Media is a media type (RFC 6838).
type Media string

// The kinds of file that evidence may be.
const (
	PDF  Media = "application/pdf"
	JPEG Media = "image/jpeg"
	PNG  Media = "image/png"
)

// Extension returns the usual ending of a file name, with its dot.
func (m Media) Extension() string {
	switch m {
	case PDF:
		return ".pdf"
	case JPEG:
		return ".jpg"
	case PNG:
		return ".png"
	}
	return ""
}

// Limits of pictures: no side longer, no more pixels. 100 megapixels is an A4 page at 1,200 dots per inch and a bit less
// than what telephones take; more would let a small file fill the memory of whoever decodes it.
const (
	maxSide   = 30_000
	maxPixels = 150_000_000
)

// maxParts bounds the walk over a file's segments or chunks, of which a real picture has some thousands at most.
const maxParts = 1 << 16

// tail is how much of a file's end is searched for its closing mark (ISO 32000-1 annex H.3, note 18, has 1,024 bytes).
const tail = 1024

// Sniff decides by content, never by name, what a file of size bytes is, and refuses what is not a complete PDF, JPEG or PNG.
// It looks at structure, not at every byte: a viewer may still refuse the file. Errors are fault.Invalid with a key:
// "file.kind" (none of the three), "file.broken" (cut off or damaged), "file.pixels" (a picture too large).
func Sniff(r io.ReaderAt, size int64) (Media, error) {
	head, err := section(r, 0, min(size, 16))
	if err != nil {
		return "", err
	}
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-1.")) || bytes.HasPrefix(head, []byte("%PDF-2.")):
		return PDF, checkPDF(r, size)
	case bytes.HasPrefix(head, []byte("\xFF\xD8\xFF")):
		return JPEG, checkJPEG(r, size)
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, checkPNG(r, size)
	}
	return "", fault.New(fault.Invalid, "file.kind", "looking at a file: neither PDF, JPEG nor PNG")
}

// section reads n bytes from an offset. Short reads are the store's failure, not the visitor's.
func section(r io.ReaderAt, at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, at, n), b); err != nil {
		return nil, fmt.Errorf("reading a file: %w", err)
	}
	return b, nil
}

func broken(why string) error { return brokenBy(nil, why) }

func brokenBy(err error, why string) error {
	return &fault.Error{Kind: fault.Invalid, Key: "file.broken", Doing: "looking at a file: " + why, Err: err}
}

// checkPDF follows the end of the file to its cross-reference (ISO 32000-1 section 7.5.5): "startxref", an offset, "%%EOF", and
// at the offset a table or the object that holds a stream.
func checkPDF(r io.ReaderAt, size int64) error {
	end, err := section(r, max(0, size-tail), min(size, tail))
	if err != nil {
		return err
	}
	eof := bytes.LastIndex(end, []byte("%%EOF"))
	start := bytes.LastIndex(end, []byte("startxref"))
	if eof < 0 || start < 0 || start > eof {
		return broken("a PDF without its end")
	}
	offset, err := strconv.ParseInt(string(bytes.TrimSpace(end[start+len("startxref"):eof])), 10, 64)
	if err != nil || offset < 0 || offset >= size {
		return broken("a PDF whose startxref is no offset in it")
	}
	at, err := section(r, offset, min(64, size-offset))
	if err != nil {
		return err
	}
	if !startsCrossReference(at) {
		return broken("a PDF whose startxref does not lead to a cross-reference")
	}
	return nil
}

// startsCrossReference tells whether b begins with "xref" or "12 0 obj".
func startsCrossReference(b []byte) bool {
	b = bytes.TrimLeft(b, "\x00\t\n\f\r ")
	if bytes.HasPrefix(b, []byte("xref")) {
		return true
	}
	words := bytes.Fields(b)
	return len(words) >= 3 && isNumber(words[0]) && isNumber(words[1]) && bytes.HasPrefix(words[2], []byte("obj"))
}

func isNumber(b []byte) bool { return len(bytes.Trim(b, "0123456789")) == 0 }

// checkJPEG reads the frame header and looks for the end-of-image marker behind the first scan (ISO/IEC 10918-1 annex B); the
// markers before it may hold a thumbnail with an end of its own. Telephones append a small film or a second picture, so
// the end need not be the last thing in the file.
func checkJPEG(r io.ReaderAt, size int64) error {
	config, err := jpeg.DecodeConfig(io.NewSectionReader(r, 0, size))
	if err != nil {
		return brokenBy(err, "a JPEG without a frame")
	}
	if err := checkPixels(config); err != nil {
		return err
	}
	scan, err := firstScan(r, size)
	if err != nil {
		return err
	}
	return findEnd(r, scan, size)
}

// firstScan walks the marker segments and returns where the first scan begins.
func firstScan(r io.ReaderAt, size int64) (int64, error) {
	at := int64(2)
	for range maxParts {
		if at+4 > size {
			break
		}
		b, err := section(r, at, 4)
		if err != nil {
			return 0, err
		}
		switch {
		case b[0] != 0xFF:
			return 0, broken("a JPEG whose markers do not follow each other")
		case b[1] == 0xFF: // a fill byte
			at++
		case b[1] == 0xDA:
			return at, nil
		default:
			at += 2 + int64(binary.BigEndian.Uint16(b[2:]))
		}
	}
	return 0, broken("a JPEG without a scan")
}

// findEnd searches for the bytes FF D9, which cannot occur within a scan's data.
func findEnd(r io.ReaderAt, from, size int64) error {
	const block = 64 << 10
	for ; from < size; from += block - 1 {
		b, err := section(r, from, min(block, size-from))
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte("\xFF\xD9")) {
			return nil
		}
	}
	return broken("a JPEG without its end")
}

// checkPNG walks the chunks to IEND (ISO/IEC 15948 section 5).
func checkPNG(r io.ReaderAt, size int64) error {
	config, err := png.DecodeConfig(io.NewSectionReader(r, 0, size))
	if err != nil {
		return brokenBy(err, "a PNG without a header")
	}
	if err := checkPixels(config); err != nil {
		return err
	}
	data := false
	at := int64(8)
	for range maxParts {
		if at+12 > size {
			break
		}
		chunk, err := section(r, at, 8)
		if err != nil {
			return err
		}
		switch string(chunk[4:]) {
		case "IDAT":
			data = true
		case "IEND":
			if !data {
				return broken("a PNG without a picture")
			}
			return nil
		}
		at += 12 + int64(binary.BigEndian.Uint32(chunk)) // length, name, content, check sum
	}
	return broken("a PNG without its end")
}

func checkPixels(c image.Config) error {
	if c.Width < 1 || c.Height < 1 {
		return broken("a picture without pixels")
	}
	if c.Width > maxSide || c.Height > maxSide || int64(c.Width)*int64(c.Height) > maxPixels {
		return fault.New(fault.Invalid, "file.pixels", fmt.Sprintf("looking at a file: %d x %d pixels", c.Width, c.Height), c.Width, c.Height)
	}
	return nil
}
