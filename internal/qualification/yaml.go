package qualification

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Limits of one file, far above every honest one.
const (
	maxFileSize  = 1 << 20 // bytes
	maxFileDepth = 30      // mappings and sequences inside each other
)

// parseYAML reads one document into maps, slices, strings, int64, bool and nil. Dates stay strings. Anchors, merge keys
// and fractions are refused: two definitions that look alike must be alike, and sharing is what bases are for.
func parseYAML(data []byte) (map[string]any, error) {
	if len(data) > maxFileSize {
		return nil, wrong("yaml-large", maxFileSize)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var root yaml.Node
	if err := decoder.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, wrong("yaml-empty")
		}
		return nil, wrong("yaml-broken", oneLine(err.Error()))
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, wrong("yaml-several")
	}
	v, err := plain(root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, wrong("yaml-no-mapping")
	}
	return m, nil
}

func plain(n *yaml.Node, depth int) (any, error) {
	if depth > maxFileDepth {
		return nil, wrong("yaml-deep", n.Line)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return plainMap(n, depth)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := plain(c, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.ScalarNode:
		return plainScalar(n)
	}
	return nil, wrong("yaml-alias", n.Line)
}

func plainMap(n *yaml.Node, depth int) (any, error) {
	m := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			return nil, wrong("yaml-key", key.Line)
		}
		if _, twice := m[key.Value]; twice {
			return nil, wrong("yaml-key-twice", key.Line, key.Value)
		}
		v, err := plain(n.Content[i+1], depth+1)
		if err != nil {
			return nil, err
		}
		m[key.Value] = v
	}
	return m, nil
}

func plainScalar(n *yaml.Node) (any, error) {
	switch n.Tag {
	case "!!str", "!!timestamp":
		return n.Value, nil
	case "!!null":
		return nil, nil
	case "!!bool":
		return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", nil
	case "!!int":
		i, err := strconv.ParseInt(n.Value, 10, 64)
		if err != nil {
			return nil, wrong("yaml-number", n.Line, n.Value)
		}
		return i, nil
	}
	return nil, wrong("yaml-tag", n.Line, n.Value, n.Tag)
}

// canonical writes a document as JSON with sorted keys and no spaces: equal documents give equal bytes.
func canonical(doc map[string]any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(doc); err != nil {
		return nil, fmt.Errorf("writing a definition as JSON: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
