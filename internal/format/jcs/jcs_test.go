package jcs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"akashi/internal/format/jcs"
)

// The sample of RFC 8785 §3.2.2 with its canonical form of §3.2.3, and the order of names of §3.2.3.
func TestVectorsOfTheRFC(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"sample": {
			"{\n  \"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],\n" +
				`  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",` + "\n" +
				`  "literals": [null, true, false] }`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
				`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		"order": {
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",` +
				`"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			`{"\r":"Carriage Return","1":"One","` + "\u0080" + `":"Control","ö":"Latin Small Letter O With Diaeresis",` +
				`"€":"Euro Sign","😀":"Emoji: Grinning Face","` + "\ufb33" + `":"Hebrew Letter Dalet With Dagesh"}`,
		},
		"empty":  {" { } ", "{}"},
		"nested": {`{"b":[{"d":1,"c":[]}],"a":{}}`, `{"a":{},"b":[{"c":[],"d":1}]}`},
		"bare":   {` "\u65e5" `, `"日"`},
		"DEL":    {`"\u007f\u2028"`, "\"\u007f\u2028\""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := jcs.Transform([]byte(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("got  %s (%v)\nwant %s", got, err, c.want)
			}
		})
	}
}

// RFC 8785 appendix B: doubles by their bits.
func TestNumbers(t *testing.T) {
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0", 0x8000000000000000: "0", 0x0000000000000001: "5e-324", 0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308", 0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992", 0xc340000000000000: "-9007199254740992",
		0x4430000000000000: "295147905179352830000", 0x44b52d02c7e14af5: "9.999999999999997e+22",
		0x44b52d02c7e14af6: "1e+23", 0x44b52d02c7e14af7: "1.0000000000000001e+23", 0x444b1ae4d6e2ef4e: "999999999999999700000",
		0x444b1ae4d6e2ef4f: "999999999999999900000", 0x444b1ae4d6e2ef50: "1e+21", 0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7",
		0x3eb0c6f7a0b5ed8d: "0.000001", 0x41b3de4355555553: "333333333.3333332", 0x41b3de4355555554: "333333333.33333325",
		0x41b3de4355555555: "333333333.3333333", 0x41b3de4355555556: "333333333.3333334", 0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333", 0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		if got, err := jcs.Marshal(math.Float64frombits(bits)); err != nil || string(got) != want {
			t.Errorf("%016x = %s (%v), want %s", bits, got, err, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for in, want := range map[string]error{
		``: jcs.ErrSyntax, `{`: jcs.ErrSyntax, `{"a":1,}`: jcs.ErrSyntax, `[1,]`: jcs.ErrSyntax, `01`: jcs.ErrSyntax,
		`1.`: jcs.ErrSyntax, `1e`: jcs.ErrSyntax, `-`: jcs.ErrSyntax, `+1`: jcs.ErrSyntax, `NaN`: jcs.ErrSyntax, `tru`: jcs.ErrSyntax,
		`"a`: jcs.ErrSyntax, "\"\n\"": jcs.ErrSyntax, `"\x"`: jcs.ErrSyntax, `"\u12g4"`: jcs.ErrSyntax, `"\u+123"`: jcs.ErrSyntax,
		`1 2`: jcs.ErrSyntax, `{"a" 1}`: jcs.ErrSyntax, `{1:1}`: jcs.ErrSyntax, `[1`: jcs.ErrSyntax, "\ufeff1": jcs.ErrSyntax,
		`{"a":1,"b":2,"\u0061":3}`: jcs.ErrDuplicate,
		`"\ud800"`:                 jcs.ErrSurrogate, `"\udc00"`: jcs.ErrSurrogate, `"\ud800\u0041"`: jcs.ErrSurrogate,
		"\"\xed\xa0\x80\"": jcs.ErrUTF8, "\"\xff\"": jcs.ErrUTF8,
		`1e400`: jcs.ErrNumber,
		strings.Repeat("[", jcs.MaxDepth+2) + strings.Repeat("]", jcs.MaxDepth+2): jcs.ErrDeep,
	} {
		if got, err := jcs.Transform([]byte(in)); !errors.Is(err, want) {
			t.Errorf("Transform(%.40q) = %s, %v; want %v", in, got, err, want)
		}
	}
}

func TestMarshalRefusesWhatWouldChange(t *testing.T) {
	type part struct{ Text string }
	for _, c := range []struct {
		v    any
		want error
	}{
		{part{"\xff"}, jcs.ErrUTF8}, {&part{"\xff"}, jcs.ErrUTF8}, {map[string]any{"\xff": 1}, jcs.ErrUTF8},
		{[]any{[1]string{"\xff"}}, jcs.ErrUTF8}, {int64(1) << 53, jcs.ErrNumber}, {-int64(1) << 53, jcs.ErrNumber},
		{uint64(1) << 60, jcs.ErrNumber}, {json.RawMessage(`{"a":1,"a":2}`), jcs.ErrDuplicate},
		{struct{ part }{part{"\xff"}}, jcs.ErrUTF8},
	} {
		if got, err := jcs.Marshal(c.v); !errors.Is(err, c.want) {
			t.Errorf("Marshal(%#v) = %s, %v; want %v", c.v, got, err, c.want)
		}
	}
	if _, err := jcs.Marshal(make(chan int)); err == nil {
		t.Error("a channel has a canonical form")
	}
	got, err := jcs.Marshal(map[string]any{"<b>&": []byte{1}, "a": int64(1)<<53 - 1, "n": nil})
	if want := `{"<b>&":"AQ==","a":9007199254740991,"n":null}`; err != nil || string(got) != want {
		t.Errorf("got %s (%v), want %s", got, err, want)
	}
}

// Whatever map of strings and numbers is written reads back as the same map.
func TestMarshalKeepsTheData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := map[string]any{}
		for k, v := range rapid.MapOf(rapid.String(), rapid.Float64()).Draw(t, "numbers") {
			in[k] = v
		}
		for k, v := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "strings") {
			in[k] = v
		}
		text, err := jcs.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var back map[string]any
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if len(back) != len(in) {
			t.Fatalf("%d members came back of %d", len(back), len(in))
		}
		for k, v := range in {
			if back[k] != v {
				t.Fatalf("%q: %v came back as %v", k, v, back[k])
			}
		}
	})
}

func FuzzTransform(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[true,null,"\ud83d\ude00"]}`, `1e21`, `-0`, `"\u0000\/"`, `[0.1,1e-7]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		once, err := jcs.Transform(text)
		if err != nil {
			return
		}
		twice, err := jcs.Transform(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%q: once %q, twice %q (%v)", text, once, twice, err)
		}
		if !json.Valid(text) {
			t.Errorf("%q is no JSON for encoding/json", text)
		}
	})
}

func TestUnique(t *testing.T) {
	for text, want := range map[string]error{
		`{"a":1,"b":{"a":[{"a":"a"},{"a":"b"}]},"c":"a"}`: nil,
		`["a","a",{"b":"b"},"b"]`:                         nil,
		`"a"`:                                             nil, `{"a":"a"}{"a":"a"}`: nil,
		`{"a":1,"a":1}`: jcs.ErrDuplicate, `{"a":{},"b":[],"a":null}`: jcs.ErrDuplicate, `[{"x":{"a":"a","a":"b"}}]`: jcs.ErrDuplicate,
		`{"a":1,"A":2}`: jcs.ErrDuplicate, `{"k":1,"\u212a":2}`: jcs.ErrDuplicate, `{"a":1,"\u0061":2}`: jcs.ErrDuplicate,
		`{"a":1,`: nil, `x`: nil, ``: nil, // no JSON: for whoever reads it to refuse
	} {
		if err := jcs.Unique([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
}

// FuzzUnique compares with Transform, which refuses members that stand twice while it parses.
func FuzzUnique(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"a":[{"a":2,"a":3}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := jcs.Transform(text); errors.Is(err, jcs.ErrDuplicate) && json.Valid(text) && !errors.Is(jcs.Unique(text), jcs.ErrDuplicate) {
			t.Errorf("%q names a member twice", text)
		}
	})
}
