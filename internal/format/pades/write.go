package pades

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// write writes an object. What write has written, the lexer reads as the same object.
func write(b *bytes.Buffer, o object) {
	switch o := o.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(o))
	case int64:
		b.WriteString(strconv.FormatInt(o, 10))
	case real:
		b.WriteString(string(o))
	case name:
		writeName(b, o)
	case text:
		writeText(b, o)
	case array:
		b.WriteByte('[')
		for i, one := range o {
			if i > 0 {
				b.WriteByte(' ')
			}
			write(b, one)
		}
		b.WriteByte(']')
	case dict:
		b.WriteString("<<")
		for _, e := range o {
			writeName(b, e.key)
			b.WriteByte(' ')
			write(b, e.value)
		}
		b.WriteString(">>")
	case ref:
		fmt.Fprintf(b, "%d %d R", o.num, o.gen)
	case *stream:
		write(b, o.dict.with("Length", int64(len(o.raw))))
		b.WriteString("\nstream\n")
		b.Write(o.raw)
		b.WriteString("\nendstream")
	case verbatim:
		b.WriteString(string(o))
	}
}

// verbatim is written as it is: a place that is filled in later.
type verbatim string

func writeName(b *bytes.Buffer, n name) {
	b.WriteByte('/')
	for _, c := range []byte(n) {
		if c <= ' ' || c > '~' || c == '#' || isDelimiter(c) {
			fmt.Fprintf(b, "#%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
}

func writeText(b *bytes.Buffer, t text) {
	if t.hex {
		fmt.Fprintf(b, "<%X>", t.bytes)
		return
	}
	b.WriteByte('(')
	for _, c := range t.bytes {
		switch {
		case c == '(' || c == ')' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(')')
}

// textString is a text for people (ISO 32000-1 §7.9.2.2): ASCII as it is, everything else in UTF-16 with its mark.
func textString(s string) text {
	ascii := true
	for _, c := range []byte(s) {
		ascii = ascii && c >= ' ' && c <= '~'
	}
	if ascii {
		return text{[]byte(s), false}
	}
	out := []byte{0xfe, 0xff}
	for _, u := range utf16.Encode([]rune(s)) {
		out = append(out, byte(u>>8), byte(u))
	}
	return text{out, true}
}

// readable is the reverse of textString.
func readable(o object) string {
	t, ok := o.(text)
	if !ok {
		return ""
	}
	if len(t.bytes) < 2 || t.bytes[0] != 0xfe || t.bytes[1] != 0xff {
		return string(t.bytes)
	}
	var units []uint16
	for i := 2; i+1 < len(t.bytes); i += 2 {
		units = append(units, uint16(t.bytes[i])<<8|uint16(t.bytes[i+1]))
	}
	return string(utf16.Decode(units))
}

// date writes a moment (ISO 32000-1 §7.9.4), to the second, with its zone.
func date(t time.Time) text {
	_, offset := t.Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	return text{fmt.Appendf(nil, "D:%s%c%02d'%02d'", t.Format("20060102150405"), sign, offset/3600, offset/60%60), false}
}

// parseDate reads what date writes.
func parseDate(o object) (time.Time, bool) {
	t, ok := o.(text)
	if !ok {
		return time.Time{}, false
	}
	at, err := time.Parse("D:20060102150405-0700", strings.ReplaceAll(string(t.bytes), "'", ""))
	return at, err == nil
}
