package cose

import (
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// What the profiles are made of is little: heads, byte strings, texts and small maps in core deterministic encoding (RFC 8949
// §4.2.1). It is written here, and read by a cursor that takes that one encoding alone. What the cursor does not take goes to
// the library, which says why; a test holds the two against each other.

// The major types (RFC 8949 §3.1).
const (
	majorUnsigned = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
)

// appendHead writes a head with its argument in the fewest bytes.
func appendHead(out []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(out, major|byte(n))
	case n < 1<<8:
		return append(out, major|24, byte(n))
	case n < 1<<16:
		return append(out, major|25, byte(n>>8), byte(n))
	case n < 1<<32:
		return append(out, major|26, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, major|27, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func appendBytes(out, b []byte) []byte {
	return append(appendHead(out, majorBytes, uint64(len(b))), b...)
}

func appendText(out []byte, s string) []byte {
	return append(appendHead(out, majorText, uint64(len(s))), s...)
}

// appendFacts writes a map of labels of the same length to text: their order is that of their encodings.
func appendFacts(out []byte, facts map[string]string) []byte {
	out = appendHead(out, majorMap, uint64(len(facts)))
	for _, label := range slices.Sorted(maps.Keys(facts)) {
		out = appendText(appendText(out, label), facts[label])
	}
	return out
}

// appendEnvelope writes a tagged message; kid "" leaves the unprotected header empty.
func appendEnvelope(out, protected []byte, kid string, payload, signature []byte) []byte {
	out = appendHead(appendHead(out, majorTag, tagSign1), majorArray, 4)
	out = appendBytes(out, protected)
	if kid == "" {
		out = appendHead(out, majorMap, 0)
	} else {
		out = appendHead(out, majorMap, 1)
		out = appendBytes(append(out, labelKeyID), []byte(kid))
	}
	return appendBytes(appendBytes(out, payload), signature)
}

// cursor reads what is deterministic; once something is not, ok is false and stays so.
type cursor struct {
	rest []byte
	bad  bool
}

// ended tells whether everything was read and was as it must be.
func (c *cursor) ended() bool { return !c.bad && len(c.rest) == 0 }

// head reads a head of one major type and returns its argument.
func (c *cursor) head(major byte) uint64 {
	if c.bad || len(c.rest) == 0 || c.rest[0]>>5 != major {
		c.bad = true
		return 0
	}
	n := uint64(c.rest[0] & 31)
	c.rest = c.rest[1:]
	if n < 24 {
		return n
	}
	size := 1 << (n - 24)
	if n > 27 || len(c.rest) < size {
		c.bad = true
		return 0
	}
	n = 0
	for _, b := range c.rest[:size] {
		n = n<<8 | uint64(b)
	}
	c.rest = c.rest[size:]
	// The argument must not fit fewer bytes.
	if size == 1 && n < 24 || size > 1 && n>>(4*size) == 0 {
		c.bad = true
	}
	return n
}

// is reads a head whose argument is known.
func (c *cursor) is(major byte, n uint64) {
	if c.head(major) != n {
		c.bad = true
	}
}

// string reads a byte string or a text.
func (c *cursor) string(major byte) []byte {
	n := c.head(major)
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	s := c.rest[:n:n]
	c.rest = c.rest[n:]
	if major == majorText && !utf8.Valid(s) {
		c.bad = true
	}
	return s
}

// readEnvelope reads a tagged message. unprotected is false for an empty unprotected header, which the compact profile has.
func readEnvelope(b []byte, unprotected bool) (env envelope, kid []byte, ok bool) {
	c := cursor{rest: b}
	c.is(majorTag, tagSign1)
	c.is(majorArray, 4)
	env.Protected = c.string(majorBytes)
	if unprotected {
		c.is(majorMap, 1)
		c.is(majorUnsigned, labelKeyID)
		kid = c.string(majorBytes)
	} else {
		c.is(majorMap, 0)
	}
	env.Payload = c.string(majorBytes)
	env.Signature = c.string(majorBytes)
	return env, kid, c.ended()
}

// readFacts reads a map of text to text whose keys have one length, which makes their order that of their encodings.
func readFacts(b []byte) (map[string]string, bool) {
	c := cursor{rest: b}
	n := c.head(majorMap)
	if n > maxFacts {
		return nil, false
	}
	facts := make(map[string]string, n)
	before := ""
	for range n {
		label := string(c.string(majorText))
		if c.bad || label <= before || len(label) != labelBytes {
			return nil, false
		}
		facts[label], before = string(c.string(majorText)), label
	}
	return facts, c.ended()
}

// appendCompactHeader writes the protected header {1: -7, 4: kid}.
func appendCompactHeader(out []byte, kid string) []byte {
	out = append(appendHead(out, majorMap, 2), labelAlgorithm)
	out = append(appendHead(out, majorNegative, uint64(-1-ES256)), labelKeyID)
	return appendBytes(out, []byte(kid))
}

func readCompactHeader(b []byte) (kid string, ok bool) {
	c := cursor{rest: b}
	c.is(majorMap, 2)
	c.is(majorUnsigned, labelAlgorithm)
	c.is(majorNegative, uint64(-1-ES256))
	c.is(majorUnsigned, labelKeyID)
	kid = string(c.string(majorBytes))
	return kid, c.ended()
}

// appendPayload writes the payload. Labels below 24 are one byte each, and their order is theirs.
func (c *Compact) appendPayload(out []byte) []byte {
	n := 2
	for _, label := range Labels() {
		if c.Facts[label] != "" {
			n++
		}
	}
	if c.Status != nil {
		n++
	}
	if !c.ExpiresAt.IsZero() {
		n++
	}
	out = append(appendHead(out, majorMap, uint64(n)), labelVersion, compactVersion)
	for i, label := range Labels() {
		if text := c.Facts[label]; text != "" {
			out = appendText(append(out, byte(i+1)), text)
		}
	}
	if c.Status != nil {
		out = appendHead(append(out, labelStatus), majorArray, 2)
		out = appendHead(appendHead(out, majorUnsigned, uint64(c.Status.List)), majorUnsigned, uint64(c.Status.Index))
	}
	if !c.ExpiresAt.IsZero() {
		out = appendHead(append(out, labelExpires), majorUnsigned, uint64(c.ExpiresAt.Unix()))
	}
	return appendHead(append(out, labelIssued), majorUnsigned, uint64(c.IssuedAt.Unix()))
}

// readCompact reads a message of the compact profile, nil when it is none, or has a member or a key id that the library
// has yet to judge.
func readCompact(b []byte) *Compact {
	env, _, ok := readEnvelope(b, false)
	if !ok || len(env.Signature) != es256SignatureBytes {
		return nil
	}
	m := &Compact{Protected: env.Protected, Payload: env.Payload, Signature: env.Signature, Facts: map[string]string{}}
	kid, ok := readCompactHeader(env.Protected)
	if !ok {
		return nil
	}
	var err error
	if m.KID, err = decodeKeyID(map[int64][]byte{labelKeyID: []byte(kid)}); err != nil {
		return nil
	}
	c := cursor{rest: env.Payload}
	n := c.head(majorMap)
	c.is(majorUnsigned, labelVersion)
	c.is(majorUnsigned, compactVersion)
	for before := uint64(labelVersion); n > 1 && !c.bad; n-- {
		label := c.head(majorUnsigned)
		c.bad = c.bad || label <= before
		before = label
		m.read(&c, label)
	}
	if !c.ended() {
		return nil
	}
	return m
}

// read reads one member.
func (m *Compact) read(c *cursor, label uint64) {
	labels := Labels()
	switch {
	case c.bad:
	case label <= uint64(len(labels)):
		m.Facts[labels[label-1]] = string(c.string(majorText))
	case label == labelStatus:
		c.is(majorArray, 2)
		list, index := c.head(majorUnsigned), c.head(majorUnsigned)
		m.Status = &Place{List: int(list), Index: int(index)}
		c.bad = c.bad || list > maxIndex || index > maxIndex
	case label == labelExpires:
		m.ExpiresAt = c.time()
	case label == labelIssued:
		m.IssuedAt = c.time()
	default:
		c.bad = true
	}
}

// time reads seconds since 1970.
func (c *cursor) time() time.Time {
	seconds := c.head(majorUnsigned)
	c.bad = c.bad || seconds == 0 || seconds > lastSecond
	return time.Unix(int64(min(seconds, lastSecond)), 0).UTC()
}
