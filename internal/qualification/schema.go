package qualification

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"akashi/qualifications"
)

// The findings about what is missing, which a new file gets lines for.
const (
	codeMissing       Code = "shape-missing"
	codeMissingBeside Code = "shape-missing-beside"
	codeNoPrefill     Code = "field-fixed"
	codeNoParent      Code = "registrar-no-parent"
)

// schemaFile holds the JSON Schema (2020-12) of the format, beside the definitions.
const schemaFile = "schema.json"

// schemas are the compiled parts of the schema: of a definition, and of the list of registrars.
type schemas struct {
	definition, registrars *jsonschema.Schema
	source                 []byte // that they were compiled from
}

// carried is the schema that the program carries, compiled: it takes longer than reading a definition, and nearly every set of
// files has this one.
var carried = sync.OnceValues(func() (*schemas, error) {
	data, err := qualifications.Files.ReadFile(schemaFile)
	if err != nil {
		return nil, fmt.Errorf("reading the schema of the program: %w", err)
	}
	return compileSchemas(data)
})

// schemasOf compiles a schema, the program's own once in a process.
func schemasOf(data []byte) (*schemas, error) {
	own, err := carried()
	if err != nil {
		return nil, err
	}
	if bytes.Equal(data, own.source) {
		return own, nil
	}
	return compileSchemas(data)
}

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
	return &schemas{definition, registrars, data}, nil
}

// checkSchema reports every place where the document departs from the schema.
func checkSchema(schema *jsonschema.Schema, doc map[string]any, r *reporter) {
	err := schema.Validate(doc)
	if err == nil {
		return
	}
	broken, ok := err.(*jsonschema.ValidationError)
	if !ok {
		r.add("", "shape-unchecked", err.Error())
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
			r.add(join(path, name), codeMissing)
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			r.add(join(path, name), codeMissingBeside, k.Prop)
		}
	case *kind.AdditionalProperties:
		for _, name := range slices.Sorted(slices.Values(k.Properties)) {
			r.add(join(path, name), "shape-unknown-key")
		}
	case *kind.FalseSchema:
		r.add(path, "shape-forbidden")
	default:
		r.say(path, wrongValue(e.ErrorKind, p))
	}
}

// notBlank is the pattern of a text that says something.
const notBlank = `\S`

// wrongValue says in which way a value departs from the schema. A way that the schema of the format does not use is quoted
// from the library.
func wrongValue(e jsonschema.ErrorKind, p *message.Printer) Saying {
	switch k := e.(type) {
	case *kind.Pattern:
		if k.Want == notBlank {
			return Say("shape-blank")
		}
		return Say("shape-pattern", k.Got, k.Want)
	case *kind.Type:
		if len(k.Want) == 1 {
			return Say("shape-type", typeName(k.Got), typeName(k.Want[0]))
		}
	case *kind.Enum:
		want := make([]string, len(k.Want))
		for i, v := range k.Want {
			want[i] = inWords(v)
		}
		return Say("shape-one-of", inWords(k.Got), want)
	case *kind.Format:
		return Say("shape-date", inWords(k.Got), "2027-04-01")
	case *kind.MinItems:
		return Say("shape-few", k.Want)
	case *kind.MinLength:
		return Say("shape-short", k.Want)
	case *kind.MaxLength:
		return Say("shape-long", k.Got, k.Want)
	case *kind.Minimum:
		return Say("shape-small", k.Got.RatString(), k.Want.RatString())
	case *kind.Maximum:
		return Say("shape-great", k.Got.RatString(), k.Want.RatString())
	case *kind.UniqueItems:
		return Say("shape-same", k.Duplicates[0]+1, k.Duplicates[1]+1)
	}
	return Say("shape-other", e.LocalizedString(p))
}

// typeName names a type of JSON Schema.
func typeName(name string) Saying {
	switch name {
	case "string":
		return Say("type-text")
	case "integer":
		return Say("type-whole-number")
	case "array":
		return Say("type-list")
	case "object":
		return Say("type-mapping")
	case "boolean":
		return Say("type-truth")
	case "null":
		return Say("type-nothing")
	}
	return Say("type-number")
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
