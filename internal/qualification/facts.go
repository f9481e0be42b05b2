package qualification

import (
	"fmt"
	"reflect"
	"strings"
)

// FactAt is a fact of a definition with the path of what it is about.
type FactAt struct {
	Path string // e.g. procedures[registration].fees[tax].rules[0]
	Fact Fact
}

// Facts lists every fact of the definition in the order of its fields.
func (d *Definition) Facts() []FactAt {
	var found []FactAt
	collectFacts(reflect.ValueOf(d).Elem(), "", &found)
	return found
}

var factType = reflect.TypeFor[Fact]()

func collectFacts(v reflect.Value, path string, found *[]FactAt) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collectFacts(v.Elem(), path, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collectFacts(v.Index(i), path+placeName(v.Index(i), i), found)
		}
	case reflect.Struct:
		collectFieldFacts(v, path, found)
	}
}

func collectFieldFacts(v reflect.Value, path string, found *[]FactAt) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || name == "" {
			continue
		}
		if field.Type != factType {
			collectFacts(v.Field(i), join(path, name), found)
			continue
		}
		about := path
		if name != "fact" {
			about = join(path, strings.TrimSuffix(name, "_fact"))
		}
		if fact := v.Field(i).Interface().(Fact); fact.Source != "" {
			*found = append(*found, FactAt{Path: about, Fact: fact})
		}
	}
}

// placeName names an element of a list as the definition's files do: by its id where it has one.
func placeName(v reflect.Value, i int) string {
	if v.Kind() == reflect.Struct {
		for f := range v.NumField() {
			if name, _, _ := strings.Cut(v.Type().Field(f).Tag.Get("json"), ","); name == "id" {
				return "[" + v.Field(f).String() + "]"
			}
		}
	}
	return fmt.Sprintf("[%d]", i)
}
