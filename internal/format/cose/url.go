package cose

import (
	"encoding/base64"
	"net/url"
	"strings"
)

// maxText64 bounds an address or a pasted text before it is looked at, in bytes.
const maxText64 = 4 * MaxBytes

// URL returns base with the message as its c= parameter in base64url without padding: the text of the QR code.
func URL(base string, message []byte) string {
	join := "?c="
	if strings.Contains(base, "?") {
		join = "&c="
	}
	return base + join + base64.RawURLEncoding.EncodeToString(message)
}

// FragmentURL is URL with the message behind the #, where no browser sends it to the server: a page that checks offline
// reads it from there.
func FragmentURL(base string, message []byte) string {
	return base + "#c=" + base64.RawURLEncoding.EncodeToString(message)
}

// ParseURL returns the message in s: the c= parameter of an address, in its query or its fragment, or s itself when it
// is bare base64. Both alphabets are read, with or without padding, and line breaks of a pasted text are skipped. It
// fails with fault.Invalid and NotBase64, TwoMessages or TooLong.
func ParseURL(s string) ([]byte, error) {
	if len(s) > maxText64 {
		return nil, refuse(TooLong, "parsing a text of %d bytes", len(s))
	}
	text, err := codeOf(strings.TrimSpace(s))
	if err != nil {
		return nil, err
	}
	return decodeBase64(text)
}

// codeOf takes the parameter out by hand: url.ParseQuery would turn the + of the standard alphabet into a space.
func codeOf(s string) (string, error) {
	head, fragment, hasFragment := strings.Cut(s, "#")
	_, query, hasQuery := strings.Cut(head, "?")
	if !hasQuery && !hasFragment {
		return strings.TrimPrefix(s, "c="), nil
	}
	var found []string
	for _, part := range []string{query, fragment} {
		for pair := range strings.SplitSeq(part, "&") {
			if value, ok := strings.CutPrefix(pair, "c="); ok {
				found = append(found, value)
			}
		}
	}
	switch len(found) {
	case 0:
		return "", refuse(NotBase64, "the address has no parameter c")
	case 1:
		text, err := url.PathUnescape(found[0])
		if err != nil {
			return "", refuse(NotBase64, "unescaping the parameter: %v", err)
		}
		return text, nil
	}
	return "", refuse(TwoMessages, "the address has %d parameters c", len(found))
}

// strict64 admits one form of the same bytes.
var strict64 = base64.RawURLEncoding.Strict()

func decodeBase64(text string) ([]byte, error) {
	clean := text
	if strings.ContainsAny(text, "+/\r\n") {
		clean = strings.Map(base64url, text)
	}
	message, err := strict64.DecodeString(trimPadding(clean))
	if err != nil {
		return nil, refuse(NotBase64, "decoding base64: %v", err)
	}
	if len(message) == 0 {
		return nil, refuse(NotBase64, "the message is empty")
	}
	if len(message) > MaxBytes {
		return nil, refuse(TooLong, "a message of %d bytes", len(message))
	}
	return message, nil
}

// base64url makes the characters of base64 those of base64url, without the ends of lines.
func base64url(r rune) rune {
	switch r {
	case '+':
		return '-'
	case '/':
		return '_'
	case '\r', '\n':
		return -1
	}
	return r
}

// trimPadding removes the padding when it is the right amount, and leaves a wrong amount for the decoder to refuse.
func trimPadding(text string) string {
	if len(text)%4 != 0 {
		return text
	}
	return strings.TrimSuffix(strings.TrimSuffix(text, "="), "=")
}
