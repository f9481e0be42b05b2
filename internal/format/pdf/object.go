package pdf

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
)

// file writes objects one after the other and remembers where each begins.
type file struct {
	out     []byte
	offsets []int // of object i+1; 0 while it is only reserved
}

// ref is the number of an object.
type ref int

func (r ref) String() string { return strconv.Itoa(int(r)) + " 0 R" }

// newFile begins a file of version 1.7 (ISO 32000-1 §7.5.2); the comment of bytes above 127 tells that it is binary.
func newFile(size int) *file {
	f := &file{out: make([]byte, 0, size)}
	f.out = append(f.out, "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"...)
	return f
}

// reserve gives the next number away before the object is written.
func (f *file) reserve() ref {
	f.offsets = append(f.offsets, 0)
	return ref(len(f.offsets))
}

// put writes a reserved object.
func (f *file) put(r ref, format string, args ...any) {
	f.begin(r)
	f.out = fmt.Appendf(f.out, format, args...)
	f.out = append(f.out, "\nendobj\n"...)
}

func (f *file) begin(r ref) {
	f.offsets[r-1] = len(f.out)
	f.out = strconv.AppendInt(f.out, int64(r), 10)
	f.out = append(f.out, " 0 obj\n"...)
}

// add writes an object under the next number.
func (f *file) add(format string, args ...any) ref {
	r := f.reserve()
	f.put(r, format, args...)
	return r
}

// stream writes a stream whose dictionary has the entries and the length.
func (f *file) stream(entries string, content []byte) ref {
	r := f.reserve()
	f.begin(r)
	f.out = fmt.Appendf(f.out, "<< %s/Length %d >>\nstream\n", entries, len(content))
	f.out = append(f.out, content...)
	f.out = append(f.out, "\nendstream\nendobj\n"...)
	return r
}

// end writes the cross-reference table and the trailer. The file's id is a digest of all that stands before, so the same
// content has the same id.
func (f *file) end(root, info ref) []byte {
	start := len(f.out)
	id := sha256.Sum256(f.out)
	f.out = fmt.Appendf(f.out, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets)+1)
	for _, at := range f.offsets {
		f.out = fmt.Appendf(f.out, "%010d 00000 n \n", at)
	}
	f.out = fmt.Appendf(f.out, "trailer\n<< /Size %d /Root %s /Info %s /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n",
		len(f.offsets)+1, root, info, id[:16], id[:16], start)
	return f.out
}

// textString writes a text string (ISO 32000-1 §7.9.2.2): plain when it is ASCII, otherwise in UTF-16.
func textString(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
		return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s) + ")"
	}
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, unit := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	b.WriteString(">")
	return b.String()
}

// number writes a number of at most three decimals without needless zeros.
func number(v float64) string { return string(appendNumber(nil, v)) }

func appendNumber(out []byte, v float64) []byte {
	v = math.Round(v*1000) / 1000
	if v == 0 {
		return append(out, '0') // not "-0"
	}
	out = strconv.AppendFloat(out, v, 'f', 3, 64)
	return bytes.TrimSuffix(bytes.TrimRight(out, "0"), []byte("."))
}
