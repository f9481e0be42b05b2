package oauth

import (
	"encoding/json"
	"errors"
)

var (
	errDoubled  = errors.New("a member stands twice")
	errTooDeep  = errors.New("it is nested too deep")
	errNoObject = errors.New("it is no object")
	errCut      = errors.New("it is broken")
)

// manyMembers is from how many members on an object's names are kept in a map.
const manyMembers = 24

// object is one that is open, or an array that is.
type object struct {
	array bool
	value bool            // the next text is a value
	from  int             // of its names among all that are open
	many  map[string]bool // its names, when there are many
}

// scan looks through JSON that is read by encoding/json afterwards: whether it is an object in which no member stands twice at any
// depth, and not nested too deep. It returns the names of the outermost members. Of text that is no JSON it says anything.
func scan(text []byte) (names []string, err error) {
	var first [manyMembers]string
	var within [maxDepth]object
	said := first[:0]  // folded names of all objects that are open
	open := within[:0] // from the outermost inwards
	for i := 0; i < len(text); {
		c := text[i]
		switch c {
		case ' ', '\t', '\n', '\r', ':':
			i++
			continue
		}
		if len(open) == 0 && c != '{' {
			return nil, errNoObject
		}
		switch c {
		case ',':
			open[len(open)-1].value = false
			i++
		case '}', ']':
			said = said[:open[len(open)-1].from]
			if open = open[:len(open)-1]; len(open) == 0 {
				return names, nil // what follows is encoding/json's to refuse
			}
			i++
		case '{', '[':
			if len(open) >= maxDepth {
				return nil, errTooDeep
			}
			open = append(open, object{array: c == '[', from: len(said)})
			i++
		default:
			end := endOf(text, i)
			if end < 0 {
				return nil, errCut
			}
			in := &open[len(open)-1]
			switch {
			case in.array || in.value:
				if len(open) >= maxDepth {
					return nil, errTooDeep
				}
			default:
				in.value = true
				name, err := nameIn(text[i:end])
				if err != nil {
					return nil, err
				}
				if len(open) == 1 {
					names = append(names, name)
				}
				if said, err = in.add(said, fold(name)); err != nil {
					return nil, err
				}
			}
			i = end
		}
	}
	return nil, errCut
}

// add notes an object's name.
func (o *object) add(said []string, name string) ([]string, error) {
	if o.many != nil {
		if o.many[name] {
			return said, errDoubled
		}
		o.many[name] = true
		return said, nil
	}
	for _, other := range said[o.from:] {
		if other == name {
			return said, errDoubled
		}
	}
	said = append(said, name)
	if len(said)-o.from == manyMembers {
		o.many = make(map[string]bool, 2*manyMembers)
		for _, other := range said[o.from:] {
			o.many[other] = true
		}
	}
	return said, nil
}

// endOf is the place behind the text, number or word that begins at i; -1 when it does not end.
func endOf(text []byte, i int) int {
	if text[i] != '"' {
		for ; i < len(text); i++ {
			switch text[i] {
			case ' ', '\t', '\n', '\r', ',', ':', ']', '}', '[', '{', '"':
				return i
			}
		}
		return -1
	}
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// nameIn is what a quoted name says.
func nameIn(quoted []byte) (string, error) {
	if len(quoted) < 2 || quoted[0] != '"' {
		return "", errCut
	}
	for _, c := range quoted[1 : len(quoted)-1] {
		if c == '\\' {
			var name string
			err := json.Unmarshal(quoted, &name)
			return name, err
		}
	}
	return string(quoted[1 : len(quoted)-1]), nil
}
