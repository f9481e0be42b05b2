package jcs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Unique refuses a text with ErrDuplicate in which an object names a member twice, at any depth. Names that differ by case alone are
// one name here, because encoding/json reads them into the same field. A text that is no JSON is left to whoever reads it.
func Unique(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	var open []map[string]bool // names of the objects that are open; nil for an array
	var name bool              // the next text is a name
	for {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		text, isText := t.(string)
		switch {
		case t == json.Delim('{'):
			open, name = append(open, map[string]bool{}), true
			continue
		case t == json.Delim('['):
			open, name = append(open, nil), false
			continue
		case t == json.Delim('}'), t == json.Delim(']'):
			open = open[:len(open)-1]
		case name && isText:
			names, one := open[len(open)-1], strings.ToLower(strings.ToUpper(text))
			if names[one] {
				return fmt.Errorf("reading JSON: %w", ErrDuplicate)
			}
			names[one], name = true, false
			continue
		}
		name = len(open) > 0 && open[len(open)-1] != nil
	}
}
