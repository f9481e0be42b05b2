package bench

import (
	"bytes"
	"fmt"
	"html"
	"net/url"
	"strings"
)

// form is a form of a page as it was drawn: where it leads, and what it would send untouched.
type form struct {
	action string
	values url.Values
	radios map[string][]string // the values of each group of radio buttons
}

// form finds the first form of the page whose action, without its query, ends in a path.
func (v *visitor) form(what, path string) (*form, error) {
	for rest := v.page; ; {
		_, after, found := bytes.Cut(rest, []byte("<form"))
		if !found {
			return nil, fmt.Errorf("no form for %s: %w", path, v.unexpected(what))
		}
		tag, inner, _ := bytes.Cut(after, []byte(">"))
		inner, rest, _ = bytes.Cut(inner, []byte("</form>"))
		action := attribute(tag, "action")
		if where, _, _ := strings.Cut(action, "?"); strings.HasSuffix(where, path) {
			return readForm(action, inner), nil
		}
	}
}

func readForm(action string, inner []byte) *form {
	f := &form{action: action, values: url.Values{}, radios: map[string][]string{}}
	for rest := inner; ; {
		start := bytes.IndexByte(rest, '<')
		if start < 0 {
			return f
		}
		rest = rest[start+1:]
		tag, after, _ := bytes.Cut(rest, []byte(">"))
		switch {
		case bytes.HasPrefix(tag, []byte("input ")):
			f.input(tag)
		case bytes.HasPrefix(tag, []byte("select")):
			options, _, _ := bytes.Cut(after, []byte("</select>"))
			f.choose(attribute(tag, "name"), options)
		case bytes.HasPrefix(tag, []byte("textarea")):
			text, _, _ := bytes.Cut(after, []byte("</textarea>"))
			f.values.Set(attribute(tag, "name"), html.UnescapeString(string(text)))
		}
		rest = after
	}
}

func (f *form) input(tag []byte) {
	name, value := attribute(tag, "name"), attribute(tag, "value")
	switch kind := attribute(tag, "type"); {
	case name == "" || kind == "file" || kind == "submit":
	case kind == "radio" || kind == "checkbox":
		if kind == "radio" {
			f.radios[name] = append(f.radios[name], value)
		}
		if bytes.Contains(tag, []byte(" checked")) {
			f.values.Add(name, value)
		}
	default:
		f.values.Add(name, value)
	}
}

// choose takes the selected option, or the first.
func (f *form) choose(name string, options []byte) {
	for first := true; ; first = false {
		_, after, found := bytes.Cut(options, []byte("<option"))
		if !found {
			return
		}
		tag, rest, _ := bytes.Cut(after, []byte(">"))
		if first || bytes.Contains(tag, []byte(" selected")) {
			f.values.Set(name, attribute(tag, "value"))
		}
		options = rest
	}
}

// attribute reads one attribute of a tag in double quotes.
func attribute(tag []byte, name string) string {
	_, after, found := bytes.Cut(tag, []byte(" "+name+`="`))
	if !found {
		return ""
	}
	value, _, _ := bytes.Cut(after, []byte(`"`))
	return html.UnescapeString(string(value))
}
