package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// MaxMessage bounds a JSON message, in bytes; a batch of proofs is the largest.
const MaxMessage = 256 << 10

// maxDepth bounds how deep a message is nested.
const maxDepth = 12

// decode reads one JSON object strictly: valid UTF-8, no member twice at any depth, nothing after it. Members that we do
// not know are passed over, as the standards ask.
func decode(text []byte, v any) error {
	if len(text) > MaxMessage {
		return refuse(MessageTooLarge, "reading a message of %d bytes", len(text))
	}
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	first, err := d.Token()
	if err != nil {
		return err
	}
	if first != json.Delim('{') {
		return errors.New("it is no object")
	}
	var names []string
	if err := members(d, 1, &names); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return exactly(text, names, v)
}

// exactly reads an object with members of these names into v. encoding/json takes a member's name in any case, other readers
// do not: a name that differs from one that v has only by case is refused, so that nobody reads more or less than we do.
func exactly(text []byte, names []string, v any) error {
	if kind := reflect.TypeOf(v).Elem(); kind.Kind() == reflect.Struct {
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			for _, said := range names {
				if said != name && strings.EqualFold(said, name) { // as encoding/json compares them
					return errors.New("a member's name is written in another case")
				}
			}
		}
	}
	return json.Unmarshal(text, v)
}

// fold makes names equal that encoding/json takes for one: the long s and the sign of kelvin are letters to it.
func fold(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 0x80 || c >= 'A' && c <= 'Z' {
			return strings.ToLower(strings.ToUpper(name))
		}
	}
	return name
}

// members reads an object whose beginning was read. names, unless it is nil, gets the names of its members.
func members(d *json.Decoder, depth int, names *[]string) error {
	seen := map[string]bool{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		text, ok := name.(string)
		if !ok || seen[fold(text)] {
			return errors.New("a member stands twice")
		}
		seen[fold(text)] = true
		if names != nil {
			*names = append(*names, text)
		}
		if err := value(d, depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func value(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if depth >= maxDepth {
		return errors.New("it is nested too deep")
	}
	switch t {
	case json.Delim('{'):
		return members(d, depth+1, nil)
	case json.Delim('['):
		for d.More() {
			if err := value(d, depth+1); err != nil {
				return err
			}
		}
		_, err := d.Token()
		return err
	}
	return nil
}
