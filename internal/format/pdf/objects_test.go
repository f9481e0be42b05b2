package pdf_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os/exec"
	"testing"
)

// objects is a file as qpdf reads it.
type objects struct {
	all     map[string]any
	trailer map[string]any
}

type stream struct {
	Dict map[string]any `json:"dict"`
	Data []byte         `json:"data"`
}

func objectsOf(t *testing.T, path string) objects {
	t.Helper()
	var read struct {
		QPDF []json.RawMessage `json:"qpdf"`
	}
	cmd := exec.CommandContext(t.Context(), "qpdf", "--json", "--json-stream-data=inline", "--decode-level=generalized", path)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &read); err != nil || len(read.QPDF) != 2 {
		t.Fatalf("%v: %.300s", err, out)
	}
	o := objects{}
	if err := json.Unmarshal(read.QPDF[1], &o.all); err != nil {
		t.Fatal(err)
	}
	o.trailer, _ = o.all["trailer"].(map[string]any)["value"].(map[string]any)
	return o
}

func (o objects) value(r any) map[string]any {
	v, _ := o.all["obj:"+fmt.Sprint(r)].(map[string]any)
	return v
}

func (o objects) dict(t *testing.T, r any) map[string]any {
	t.Helper()
	d, ok := o.value(r)["value"].(map[string]any)
	if !ok {
		t.Fatalf("%v is no dictionary", r)
	}
	return d
}

func (o objects) stream(t *testing.T, r any) (s stream) {
	t.Helper()
	v, ok := o.value(r)["stream"].(map[string]any)
	if !ok {
		t.Fatalf("%v is no stream", r)
	}
	s.Dict, _ = v["dict"].(map[string]any)
	data, _ := v["data"].(string)
	var err error
	if s.Data, err = base64.StdEncoding.DecodeString(data); err != nil {
		t.Fatal(err)
	}
	return s
}

func (o objects) typed(kind string) (out []map[string]any) {
	for _, v := range o.all {
		each, _ := v.(map[string]any)
		if d, ok := each["value"].(map[string]any); ok && d["/Type"] == kind {
			out = append(out, d)
		}
	}
	return out
}

func (o objects) only(t *testing.T, kind string) map[string]any {
	t.Helper()
	list := o.typed(kind)
	if len(list) != 1 {
		t.Fatalf("%d objects of type %s", len(list), kind)
	}
	return list[0]
}
