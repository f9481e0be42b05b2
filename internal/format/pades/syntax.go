package pades

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
)

// The objects of PDF (ISO 32000-1 §7.3): nil, bool, int64, real, name, text, array, dict, ref and *stream.
type (
	object any
	// real is a number with a point, as it was written.
	real string
	// name is a name without its slash, #-escapes resolved.
	name string
	// text is a string; how it was written is kept, so that hexadecimal stays so.
	text struct {
		bytes []byte
		hex   bool
	}
	array []object
	// dict keeps the order of its entries.
	dict  []entry
	entry struct {
		key   name
		value object
	}
	ref struct {
		num int
		gen int
	}
	stream struct {
		dict dict
		raw  []byte // as it stands in the file
	}
)

// get returns the value of a key, nil when there is none.
func (d dict) get(key name) object {
	for _, e := range d {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// has tells whether there is such a key.
func (d dict) has(key name) bool {
	for _, e := range d {
		if e.key == key {
			return true
		}
	}
	return false
}

// with returns a copy in which the key has the value.
func (d dict) with(key name, value object) dict {
	out := make(dict, 0, len(d)+1)
	found := false
	for _, e := range d {
		if e.key == key {
			e.value, found = value, true
		}
		out = append(out, e)
	}
	if !found {
		out = append(out, entry{key, value})
	}
	return out
}

// without returns a copy that lacks the keys.
func (d dict) without(keys ...name) dict {
	var out dict
next:
	for _, e := range d {
		for _, k := range keys {
			if e.key == k {
				continue next
			}
		}
		out = append(out, e)
	}
	return out
}

// maxDepth bounds arrays and dictionaries inside each other.
const maxDepth = 48

// lexer reads objects out of bytes.
type lexer struct {
	b   []byte
	at  int
	max int // objects that may still be read
}

// maxObjects bounds how many objects one lexer reads.
const maxObjects = 2_000_000

func newLexer(b []byte, at int) *lexer { return &lexer{b: b, at: at, max: maxObjects} }

func (l *lexer) fail(what string) error {
	return refuse(Malformed, fmt.Sprintf("%s at byte %d", what, l.at))
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelimiter(c) }

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case isSpace(c):
			l.at++
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		default:
			return
		}
	}
}

// word reads a run of regular characters.
func (l *lexer) word() string {
	from := l.at
	for l.at < len(l.b) && isRegular(l.b[l.at]) {
		l.at++
	}
	return string(l.b[from:l.at])
}

// keyword reads a given word, and nothing when another one stands there.
func (l *lexer) keyword(want string) bool {
	l.skip()
	from := l.at
	if l.word() == want {
		return true
	}
	l.at = from
	return false
}

// natural reads a number of digits.
func (l *lexer) natural() (int, bool) {
	l.skip()
	from := l.at
	w := l.word()
	n, ok := natural(w)
	if !ok {
		l.at = from
	}
	return n, ok
}

// natural reads a number of at most ten digits, as offsets of a cross-reference table have them.
func natural(w string) (int, bool) {
	if w == "" || len(w) > 10 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(w) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// object reads one object, references included.
func (l *lexer) object(depth int) (object, error) {
	l.skip()
	if l.max--; l.max < 0 || depth > maxDepth {
		return nil, refuse(TooLarge, "too many objects, or too deep")
	}
	if l.at >= len(l.b) {
		return nil, l.fail("end of file")
	}
	switch c := l.b[l.at]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array(depth)
	case c == '<' && l.at+1 < len(l.b) && l.b[l.at+1] == '<':
		return l.dict(depth)
	case c == '<':
		return l.hexadecimal()
	case isRegular(c):
		return l.plain()
	}
	return nil, l.fail("no object")
}

// plain reads a number, a reference, true, false or null.
func (l *lexer) plain() (object, error) {
	w := l.word()
	switch w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if num, ok := natural(w); ok {
		back := l.at
		if gen, ok := l.natural(); ok && gen <= 65535 && l.keyword("R") {
			return ref{num, gen}, nil
		}
		l.at = back
	}
	if n, err := strconv.ParseInt(w, 10, 64); err == nil {
		return n, nil
	}
	if !isReal(w) {
		return nil, l.fail("unknown word")
	}
	return real(w), nil
}

// isReal tells whether a word is a number with a point (ISO 32000-1 §7.3.3).
func isReal(w string) bool {
	digits, points := 0, 0
	for i, c := range []byte(w) {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			points++
		case (c == '-' || c == '+') && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && points == 1
}

func (l *lexer) name() (object, error) {
	l.at++
	w := []byte(l.word())
	var out []byte
	for i := 0; i < len(w); i++ {
		if w[i] != '#' {
			out = append(out, w[i])
			continue
		}
		if i+2 >= len(w) {
			return nil, l.fail("escape in a name")
		}
		c, err := hex.DecodeString(string(w[i+1 : i+3]))
		if err != nil || c[0] == 0 {
			return nil, l.fail("escape in a name")
		}
		out, i = append(out, c[0]), i+2
	}
	return name(out), nil
}

func (l *lexer) array(depth int) (object, error) {
	l.at++
	out := array{}
	for {
		l.skip()
		if l.at < len(l.b) && l.b[l.at] == ']' {
			l.at++
			return out, nil
		}
		o, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
}

// dict reads a dictionary. A key that stands twice is refused: readers differ in which one they take.
func (l *lexer) dict(depth int) (object, error) {
	l.at += 2
	out := dict{}
	for {
		l.skip()
		if bytes.HasPrefix(l.b[l.at:], []byte(">>")) {
			l.at += 2
			return out, nil
		}
		key, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		k, ok := key.(name)
		if !ok || out.has(k) {
			return nil, l.fail("key of a dictionary that is no name, or stands twice,")
		}
		value, err := l.object(depth + 1)
		if err != nil {
			return nil, err
		}
		out = append(out, entry{k, value})
	}
}

func (l *lexer) hexadecimal() (object, error) {
	end := bytes.IndexByte(l.b[l.at:], '>')
	if end < 0 {
		return nil, l.fail("string without end")
	}
	digits := make([]byte, 0, end)
	for _, c := range l.b[l.at+1 : l.at+end] {
		if !isSpace(c) {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	out := make([]byte, len(digits)/2)
	if _, err := hex.Decode(out, digits); err != nil {
		return nil, l.fail("no hexadecimal string")
	}
	l.at += end + 1
	return text{out, true}, nil
}

// literal reads a string in parentheses (ISO 32000-1 §7.3.4.2).
func (l *lexer) literal() (object, error) {
	out := []byte{}
	for open := 0; l.at < len(l.b); {
		c := l.b[l.at]
		l.at++
		switch c {
		case '(':
			if open++; open > 1 {
				out = append(out, c)
			}
		case ')':
			if open--; open == 0 {
				return text{out, false}, nil
			}
			out = append(out, c)
		case '\\':
			out = l.escape(out)
		case '\r': // an end of line inside is one line feed
			if l.at < len(l.b) && l.b[l.at] == '\n' {
				l.at++
			}
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
	}
	return nil, l.fail("string without end")
}

// escape reads what follows a backslash.
func (l *lexer) escape(out []byte) []byte {
	if l.at >= len(l.b) {
		return out
	}
	c := l.b[l.at]
	l.at++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\n':
		return out
	case '\r':
		if l.at < len(l.b) && l.b[l.at] == '\n' {
			l.at++
		}
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	v := int(c - '0')
	for i := 0; i < 2 && l.at < len(l.b) && l.b[l.at] >= '0' && l.b[l.at] <= '7'; i++ {
		v = v*8 + int(l.b[l.at]-'0')
		l.at++
	}
	return append(out, byte(v))
}

// indirect reads "n g obj … endobj" and returns whose it is. length resolves a stream's length when it is a reference.
func (l *lexer) indirect(length func(ref) (int, error)) (ref, object, error) {
	num, ok1 := l.natural()
	gen, ok2 := l.natural()
	if !ok1 || !ok2 || !l.keyword("obj") {
		return ref{}, nil, l.fail("no object")
	}
	o, err := l.object(0)
	if err != nil {
		return ref{}, nil, err
	}
	if d, isDict := o.(dict); isDict && l.keyword("stream") {
		raw, err := l.streamBytes(d, length)
		if err != nil {
			return ref{}, nil, err
		}
		o = &stream{d, raw}
	}
	if !l.keyword("endobj") {
		return ref{}, nil, l.fail("object without end")
	}
	return ref{num, gen}, o, nil
}

// streamBytes reads what follows the keyword stream (ISO 32000-1 §7.3.8.1).
func (l *lexer) streamBytes(d dict, length func(ref) (int, error)) ([]byte, error) {
	switch {
	case bytes.HasPrefix(l.b[l.at:], []byte("\r\n")):
		l.at += 2
	case bytes.HasPrefix(l.b[l.at:], []byte("\n")):
		l.at++
	default:
		return nil, l.fail("no end of line before a stream")
	}
	n := -1
	switch v := d.get("Length").(type) {
	case int64:
		n = int(min(max(v, -1), int64(len(l.b))+1))
	case ref:
		var err error
		if n, err = length(v); err != nil {
			return nil, err
		}
	}
	if n < 0 || n > len(l.b)-l.at {
		return nil, l.fail("stream of an impossible length")
	}
	raw := l.b[l.at : l.at+n]
	l.at += n
	if !l.keyword("endstream") {
		return nil, l.fail("stream of another length")
	}
	return raw, nil
}
