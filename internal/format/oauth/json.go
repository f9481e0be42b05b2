package oauth

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
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
	names, err := scan(text)
	if err != nil {
		return err
	}
	return exactly(text, names, v)
}

// exactly reads an object with members of these names into v. encoding/json takes a member's name in any case, other readers
// do not: a name that differs from one that v has only by case is refused, so that nobody reads more or less than we do.
func exactly(text []byte, names []string, v any) error {
	for _, name := range membersOf(reflect.TypeOf(v).Elem()) {
		for _, said := range names {
			if said != name && strings.EqualFold(said, name) { // as encoding/json compares them
				return errors.New("a member's name is written in another case")
			}
		}
	}
	return json.Unmarshal(text, v)
}

var structs sync.Map // reflect.Type → names of its members in JSON

// membersOf are the names of a struct's members in JSON; none for other kinds.
func membersOf(kind reflect.Type) []string {
	if kept, ok := structs.Load(kind); ok {
		return kept.([]string)
	}
	names := []string{}
	if kind.Kind() == reflect.Struct {
		for i := range kind.NumField() {
			name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	structs.Store(kind, names)
	return names
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
