package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// answer is what a module says to one case.
type answer struct {
	Name    string          `json:"name"`
	Answer  json.RawMessage `json:"answer"`
	Refused string          `json:"refused"` // why, in the program's words; "" when it accepted
}

// node runs a module over the cases, each of which has a member name, and returns an answer to each.
func node(t *testing.T, module string, cases any) []answer {
	t.Helper()
	if _, err := os.Stat("node_modules/.package-lock.json"); err != nil {
		t.Fatal("the Node packages of test/interop are not there: make interop-packages brings them")
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	var out, failed bytes.Buffer
	command := exec.CommandContext(t.Context(), "node", "run.mjs", module)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(in), &out, &failed
	if err := command.Run(); err != nil {
		t.Fatalf("running %s.mjs: %v\n%s", module, err, failed.String())
	}
	var answers []answer
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil {
		t.Fatalf("reading what %s.mjs said: %v\n%s", module, err, out.String())
	}
	return answers
}
