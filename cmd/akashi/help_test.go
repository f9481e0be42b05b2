package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestHelpListsWhatIsUsed: the help of a command has the shared settings that it uses, and no others.
func TestHelpListsWhatIsUsed(t *testing.T) {
	shared := map[string]string{"data": "--data-dir=", "database": "--database=", "token": "--token-module=", "log": "--log-level="}
	for command, uses := range map[string]string{
		"":     "data database token log",
		"demo": "data token log", "serve": "data database token log", "migrate": "data database log", "verify": "", "simulate": "data log", "bench": "log",
		"qualification list": "", "qualification show": "", "qualification facts": "", "qualification lint": "", "qualification new": "",
		"qualification diff": "", "qualification preview": "log",
		"credential sample": "", "credential renew-timestamps": "data database log",
		"verifier add": "data database log", "keys list": "data database token log", "keys rotate": "data database token log",
	} {
		var out, complaints bytes.Buffer
		if code := run(append(strings.Fields(command), "--help"), &out, &complaints); code != exitOK || complaints.Len() > 0 {
			t.Errorf("%s --help ends with %d: %s", command, code, complaints.String())
		}
		for name, flag := range shared {
			if there, want := strings.Contains(out.String(), flag), strings.Contains(" "+uses+" ", " "+name+" "); there != want {
				t.Errorf("%s --help: %s is there: %t, want %t", command, flag, there, want)
			}
		}
	}
}
