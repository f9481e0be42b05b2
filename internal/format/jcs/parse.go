package jcs

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// parser reads a JSON text once, from left to right, and appends its canonical form as it goes.
type parser struct {
	text []byte // valid UTF-8
	at   int    // next byte to read
}

// peek returns the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.at >= len(p.text) {
		return 0
	}
	return p.text[p.at]
}

// space skips white space (RFC 8259 §2).
func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// take skips the byte c, which must come next after white space.
func (p *parser) take(c byte) error {
	if p.space(); p.peek() != c {
		return fmt.Errorf("%w: %q expected", ErrSyntax, c)
	}
	p.at++
	return nil
}

// value reads one value of any kind and appends its canonical form to out.
func (p *parser) value(out []byte, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, ErrDeep
	}
	p.space()
	switch c := p.peek(); {
	case c == '{':
		return p.object(out, depth)
	case c == '[':
		return p.array(out, depth)
	case c == '"':
		s, err := p.str()
		return appendString(out, s), err
	case c == '-' || c >= '0' && c <= '9':
		return p.number(out)
	}
	for _, word := range []string{"true", "false", "null"} {
		if end := p.at + len(word); end <= len(p.text) && string(p.text[p.at:end]) == word {
			p.at = end
			return append(out, word...), nil
		}
	}
	return nil, fmt.Errorf("%w: a value expected", ErrSyntax)
}

// array reads an array; the order of its elements stays (RFC 8785 §3.2.3).
func (p *parser) array(out []byte, depth int) ([]byte, error) {
	p.at++
	out = append(out, '[')
	if p.space(); p.peek() == ']' {
		p.at++
		return append(out, ']'), nil
	}
	for {
		var err error
		if out, err = p.value(out, depth+1); err != nil {
			return nil, err
		}
		if p.space(); p.peek() != ',' {
			break
		}
		p.at++
		out = append(out, ',')
	}
	return append(out, ']'), p.take(']')
}

// member is one member of an object: its name, as a string and in UTF-16 for the order, and its canonical value.
type member struct {
	name  string
	units []uint16
	value []byte
}

// object reads an object and orders its members by the UTF-16 code units of their names (RFC 8785 §3.2.3).
func (p *parser) object(out []byte, depth int) ([]byte, error) {
	members, err := p.members(depth)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(members, func(a, b member) int { return slices.Compare(a.units, b.units) })
	out = append(out, '{')
	for i, m := range members {
		if i > 0 {
			if members[i-1].name == m.name {
				return nil, fmt.Errorf("%w: %q", ErrDuplicate, m.name)
			}
			out = append(out, ',')
		}
		out = append(appendString(out, m.name), ':')
		out = append(out, m.value...)
	}
	return append(out, '}'), nil
}

// members reads the members of an object in the order in which they stand.
func (p *parser) members(depth int) ([]member, error) {
	p.at++
	if p.space(); p.peek() == '}' {
		p.at++
		return nil, nil
	}
	var all []member
	for {
		if p.space(); p.peek() != '"' {
			return nil, fmt.Errorf("%w: a member's name expected", ErrSyntax)
		}
		name, err := p.str()
		if err != nil {
			return nil, err
		}
		if err := p.take(':'); err != nil {
			return nil, err
		}
		value, err := p.value(nil, depth+1)
		if err != nil {
			return nil, err
		}
		all = append(all, member{name, utf16.Encode([]rune(name)), value})
		if p.space(); p.peek() != ',' {
			return all, p.take('}')
		}
		p.at++
	}
}

// str reads a string and returns what it stands for.
func (p *parser) str() (string, error) {
	p.at++
	var s []byte
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c == '"':
			return string(s), nil
		case c < 0x20:
			return "", fmt.Errorf("%w: control character in a string", ErrSyntax)
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			s = utf8.AppendRune(s, r)
		default:
			s = append(s, c)
		}
	}
	return "", fmt.Errorf("%w: string without end", ErrSyntax)
}

// escape reads what follows a backslash.
func (p *parser) escape() (rune, error) {
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	}
	return 0, fmt.Errorf("%w: unknown escape", ErrSyntax)
}

// unicode reads the digits of \uXXXX and, where they are the first half of a pair, the second half too.
func (p *parser) unicode() (rune, error) {
	first, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(first) {
		return first, err
	}
	if p.peek() != '\\' || p.at+1 >= len(p.text) || p.text[p.at+1] != 'u' {
		return 0, ErrSurrogate
	}
	p.at += 2
	second, err := p.hex4()
	if err != nil {
		return 0, err
	}
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError {
		return 0, ErrSurrogate
	}
	return r, nil
}

func (p *parser) hex4() (rune, error) {
	if p.at+4 > len(p.text) {
		return 0, fmt.Errorf("%w: four hexadecimal digits expected", ErrSyntax)
	}
	n, err := strconv.ParseUint(string(p.text[p.at:p.at+4]), 16, 16)
	if err != nil {
		return 0, fmt.Errorf("%w: four hexadecimal digits expected", ErrSyntax)
	}
	p.at += 4
	return rune(n), nil
}

// number reads a number (RFC 8259 §6) and writes the double nearest to it.
func (p *parser) number(out []byte) ([]byte, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	whole := p.at
	if n := p.digits(); n == 0 || n > 1 && p.text[whole] == '0' {
		return nil, fmt.Errorf("%w: digits of a number", ErrSyntax)
	}
	if p.peek() == '.' {
		if p.at++; p.digits() == 0 {
			return nil, fmt.Errorf("%w: a fraction without digits", ErrSyntax)
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return nil, fmt.Errorf("%w: an exponent without digits", ErrSyntax)
		}
	}
	f, err := strconv.ParseFloat(string(p.text[start:p.at]), 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrNumber, p.text[start:p.at])
	}
	return appendNumber(out, f), nil
}

// digits skips decimal digits and returns how many there were.
func (p *parser) digits() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at - start
}
