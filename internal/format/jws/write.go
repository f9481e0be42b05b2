package jws

import (
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"

	"akashi/internal/fault"
)

// Append writes a value as JSON behind out: members in the order of their names, no white space, no escapes that JSON does
// not ask for. It writes maps, lists, texts, whole numbers and truth values itself, because a credential is little else,
// and leaves the rest to encoding/json. Text that is not UTF-8 is refused rather than replaced.
func Append(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return AppendText(out, v)
	case map[string]any:
		return appendObject(out, v)
	case []any:
		return appendList(out, v)
	case []string:
		return appendList(out, v)
	case int:
		return strconv.AppendInt(out, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(out, v, 10), nil
	case bool:
		return strconv.AppendBool(out, v), nil
	case nil:
		return append(out, "null"...), nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "writing a value as JSON")
	}
	return append(out, text...), nil
}

func appendObject(out []byte, members map[string]any) ([]byte, error) {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	out = append(out, '{')
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = AppendText(out, name); err != nil {
			return nil, err
		}
		if out, err = Append(append(out, ':'), members[name]); err != nil {
			return nil, err
		}
	}
	return append(out, '}'), nil
}

func appendList[T any](out []byte, list []T) ([]byte, error) {
	out = append(out, '[')
	for i, v := range list {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = Append(out, v); err != nil {
			return nil, err
		}
	}
	return append(out, ']'), nil
}

const hexDigits = "0123456789abcdef"

// AppendText writes a text as Append does: it escapes what must be escaped (RFC 8259 §7) and nothing else.
func AppendText(out []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, fault.New(fault.Internal, "", "writing text that is not UTF-8")
	}
	out = append(out, '"')
	whole := 0 // up to where the text is written
	for i := range len(text) {
		c := text[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		out = append(out, text[whole:i]...)
		whole = i + 1
		if c < 0x20 {
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			out = append(out, '\\', c)
		}
	}
	return append(append(out, text[whole:]...), '"'), nil
}
