package qualification

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schemaFile holds the JSON Schema (2020-12) of the format, beside the definitions.
const schemaFile = "schema.json"

// schemas are the compiled parts of the schema: of a definition, and of the list of registrars.
type schemas struct{ definition, registrars *jsonschema.Schema }

func compileSchemas(data []byte) (*schemas, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", schemaFile, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaFile, doc); err != nil {
		return nil, fmt.Errorf("reading %s: %w", schemaFile, err)
	}
	definition, err := compiler.Compile(schemaFile)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", schemaFile, err)
	}
	registrars, err := compiler.Compile(schemaFile + "#/$defs/registrars")
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", schemaFile, err)
	}
	return &schemas{definition, registrars}, nil
}

// checkSchema reports every place where the document departs from the schema.
func checkSchema(schema *jsonschema.Schema, doc map[string]any, r *reporter) {
	err := schema.Validate(doc)
	if err == nil {
		return
	}
	broken, ok := err.(*jsonschema.ValidationError)
	if !ok {
		r.add("", "cannot be checked: %v", err)
		return
	}
	reportSchema(broken, doc, r, message.NewPrinter(language.English))
}

func reportSchema(e *jsonschema.ValidationError, doc map[string]any, r *reporter, p *message.Printer) {
	path := fieldPath(doc, e.InstanceLocation)
	for _, cause := range e.Causes {
		reportSchema(cause, doc, r, p)
	}
	if len(e.Causes) > 0 {
		return
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			r.add(join(path, name), "missing")
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			r.add(join(path, name), "missing beside %s", k.Prop)
		}
	case *kind.AdditionalProperties:
		for _, name := range slices.Sorted(slices.Values(k.Properties)) {
			r.add(join(path, name), "unknown key")
		}
	case *kind.Pattern:
		r.add(path, "%q does not have the shape %s", k.Got, k.Want)
	case *kind.FalseSchema:
		r.add(path, "must not be given")
	default:
		r.add(path, "%s", e.ErrorKind.LocalizedString(p))
	}
}

// fieldPath turns the place of a value into the path that an author knows: list elements by their ids.
func fieldPath(doc any, location []string) string {
	path, at := "", doc
	for _, step := range location {
		switch v := at.(type) {
		case map[string]any:
			path, at = join(path, step), v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return path
			}
			path, at = path+elementName(v[i], i), v[i]
		}
	}
	return path
}
