package bench

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

// sample has a row of each shape.
func sample() []Row {
	t := newTimings()
	for i := range 200 {
		t.add("GET /a/{id}", time.Duration(i+1)*time.Millisecond)
	}
	t.add("simulator: card", time.Second)
	return append([]Row{atLeast("cases", 61.25, 60, "cases/s", "a note"), below("memory", 300, 300, "MB", ""), plain("clients", 8, "", "")}, t.rows()...)
}

// TestGoldenJSON keeps the shape of --json, which scripts read: one object a line.
func TestGoldenJSON(t *testing.T) {
	var b bytes.Buffer
	if err := WriteJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	const path = "testdata/golden.json"
	if os.Getenv("AKASHI_GOLDEN") == "write" {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the output is\n%swant\n%s", b.String(), want)
	}
}

// TestTable: a missed aim is plain to see.
func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := WriteTable(&b, sample()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if !strings.Contains(lines[1], ">= 60") || !strings.Contains(lines[1], "yes") || !strings.Contains(lines[2], "NO") || strings.Contains(lines[3], "NO") {
		t.Errorf("the table is\n%s", b.String())
	}
}

// TestForm: a form is sent as it was drawn.
func TestForm(t *testing.T) {
	v := &visitor{page: []byte(`<form action="/other"><input name="x" value="1"></form>
		<form method="post" action="/en/cases/7/checks?a=b"><input type="hidden" name="k" value="a&amp;b"/><input type="file" name="f">
		<input type="radio" name="verdict.a" value="ok"><input type="radio" name="verdict.a" value="defect" checked>
		<select name="s"><option value="1">x</option><option value="2" selected>y</option></select><select name="first"><option value="9">x</option></select>
		<textarea name="note">a &lt; b</textarea><input type="checkbox" name="c" value="yes"><input type="submit" name="go" value="go"></form>`)}
	f, err := v.form("testing", "/checks")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.values.Encode(), "first=9&k=a%26b&note=a+%3C+b&s=2&verdict.a=defect"; got != want || f.action != "/en/cases/7/checks?a=b" {
		t.Errorf("%s to %s, want %s", got, f.action, want)
	}
	if got := strings.Join(f.radios["verdict.a"], " "); got != "ok defect" {
		t.Errorf("choices %s", got)
	}
	if _, err := v.form("testing", "/nowhere"); err == nil || !strings.Contains(err.Error(), "no form for /nowhere") {
		t.Errorf("a form that is not there: %v", err)
	}
}
