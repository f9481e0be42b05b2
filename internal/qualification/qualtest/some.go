package qualtest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Some picks the files of a few definitions: theirs by id, the versions to come of theirs, the bases that they extend, the
// registrars and the schema. Reading a few instead of all saves a test binary some five seconds with the race detector.
func Some(files map[string][]byte, ids ...string) (map[string][]byte, error) {
	some := map[string][]byte{}
	for _, name := range []string{"registrars.yaml", "schema.json"} {
		some[name] = files[name]
	}
	for _, id := range ids {
		if err := withBases(some, files, id+".yaml"); err != nil {
			return nil, err
		}
		for name := range files {
			if strings.HasPrefix(name, "versions/"+id+"@") {
				if err := withBases(some, files, name); err != nil {
					return nil, err
				}
			}
		}
	}
	return some, nil
}

// Extending lists the ids of the definitions that extend a base, be it through another one.
func Extending(files map[string][]byte, base string) (ids []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Dir(name) != "." || path.Ext(name) != ".yaml" || name == "registrars.yaml" {
			continue
		}
		whole := map[string][]byte{}
		if err := withBases(whole, files, name); err != nil {
			return nil, err
		}
		if _, extends := whole[base]; extends {
			ids = append(ids, strings.TrimSuffix(name, ".yaml"))
		}
	}
	return ids, nil
}

// withBases copies a file and what it extends.
func withBases(to, files map[string][]byte, name string) error {
	name = path.Clean(name)
	if _, there := to[name]; there {
		return nil
	}
	text, ok := files[name]
	if !ok {
		return fmt.Errorf("there is no file %s", name)
	}
	to[name] = text
	var head struct{ Extends []string }
	if err := yaml.Unmarshal(text, &head); err != nil {
		return fmt.Errorf("reading what %s extends: %w", name, err)
	}
	for _, base := range head.Extends {
		if err := withBases(to, files, base); err != nil {
			return err
		}
	}
	return nil
}
