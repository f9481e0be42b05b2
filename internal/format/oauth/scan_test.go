package oauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slowly is scan by the tokens of encoding/json.
func slowly(d *json.Decoder, depth int, names *[]string) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	if depth >= maxDepth {
		return errTooDeep
	}
	seen := map[string]bool{}
	for t == json.Delim('{') && d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if seen[fold(name.(string))] {
			return errDoubled
		}
		seen[fold(name.(string))] = true
		if depth == 0 {
			*names = append(*names, name.(string))
		}
		if err := slowly(d, depth+1, names); err != nil {
			return err
		}
	}
	for t == json.Delim('[') && d.More() {
		if err := slowly(d, depth+1, names); err != nil {
			return err
		}
	}
	if t == json.Delim('{') || t == json.Delim('[') {
		_, err = d.Token()
	}
	return err
}

// TestScan: of JSON it says what the tokens of encoding/json say, and other text is refused by it or by encoding/json behind it.
func TestScan(t *testing.T) {
	t.Parallel()
	name := rapid.SampledFrom([]string{"a", "A", "b", `\u0061`, `\"`, "k", "\u212a", "s", "ſ", "見", "", `{`, `,`, "c", "d", "e"})
	scalar := rapid.SampledFrom([]string{"1", "-1.5e3", "true", "null", `"x"`, `"\\"`, `"\""`, `"},{"`, `""`})
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	var value func(t *rapid.T, depth int) string
	value = func(t *rapid.T, depth int) string {
		kind := rapid.IntRange(0, 9).Draw(t, "kind")
		if depth > 0 && (kind < 5 || depth > 14) {
			return space.Draw(t, "space") + scalar.Draw(t, "scalar")
		}
		var parts []string
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			part := value(t, depth+1)
			if depth == 0 || kind < 8 {
				part = space.Draw(t, "space") + `"` + name.Draw(t, "name") + `"` + space.Draw(t, "space") + ":" + part
			}
			parts = append(parts, part+space.Draw(t, "space"))
		}
		inside := strings.Join(parts, ",")
		if depth == 0 || kind < 8 {
			return "{" + inside + "}"
		}
		return "[" + inside + "]"
	}
	outcomes := map[error]int{}
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(space.Draw(t, "before") + value(t, 0) + space.Draw(t, "behind"))
		if !json.Valid(text) {
			t.Fatalf("%s is no JSON", text)
		}
		var want []string
		wrong := slowly(json.NewDecoder(bytes.NewReader(text)), 0, &want)
		names, err := scan(text)
		if !errors.Is(err, wrong) || err == nil && !slices.Equal(names, want) {
			t.Fatalf("%s: %q, %v; want %q, %v", text, names, err, want, wrong)
		}
		outcomes[err]++
		if i := rapid.IntRange(0, len(text)-1).Draw(t, "at"); err == nil {
			cut := slices.Concat(text[:i], []byte(rapid.SampledFrom([]string{"", `"`, "{", "}", "[", "]", ",", ":", `\`, "1", "é"}).Draw(t, "instead")), text[i+1:])
			var v map[string]any
			if err := decode(cut, &v); err == nil && !json.Valid(cut) {
				t.Fatalf("%s is taken", cut)
			}
		}
	})
	if outcomes[nil] == 0 || outcomes[errDoubled] == 0 {
		t.Errorf("outcomes: %v", outcomes)
	}
	deep := func(n int) []byte { return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)) }
	for n := 1; n < maxDepth+3; n++ {
		_, err := scan(deep(n))
		if wrong := slowly(json.NewDecoder(bytes.NewReader(deep(n))), 0, new([]string)); !errors.Is(err, wrong) || (err == nil) != (n < maxDepth) {
			t.Errorf("%d deep: %v, want %v", n, err, wrong)
		}
	}
	for _, n := range []int{manyMembers - 1, manyMembers, manyMembers + 1, 1000} {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf(`"m%d":{"x":1,"m0":2}`, i))
		}
		if names, err := scan([]byte("{" + strings.Join(parts, ",") + "}")); err != nil || len(names) != n {
			t.Errorf("%d members: %d, %v", n, len(names), err)
		}
		for _, again := range []int{0, n / 2, n - 1} {
			doubled := append(slices.Clone(parts), fmt.Sprintf(`"M%d":1`, again))
			if _, err := scan([]byte("{" + strings.Join(doubled, ",") + "}")); !errors.Is(err, errDoubled) {
				t.Errorf("%d members, number %d twice: %v", n, again, err)
			}
		}
	}
	for _, text := range []string{"", " ", "1", "[]", `"a"`, "null", "}", "]", ",", "x{}"} {
		if _, err := scan([]byte(text)); err == nil {
			t.Errorf("%q is taken for an object", text)
		}
	}
}
