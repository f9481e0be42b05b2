package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"akashi/internal/clock"
	"akashi/internal/fault"
	"akashi/internal/govsim/simtest"
	sim "akashi/internal/govsim/timestamp"
)

// TestSample: what the sample's README tells a stranger to do is true, with the programs that it names.
func TestSample(t *testing.T) {
	t.Parallel()
	accepted := map[string]string{"qr": "credential.txt credential.cose credential.compact.txt", "sdjwt": "credential.sdjwt presentation.sdjwt", "vc": "credential.vc.jwt", "mdoc": "credential.mdoc"}
	for format := range sampleForms() {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "sample")
			c := &SampleCmd{Format: format, Out: dir, Qualification: "kangoshi"}
			written(t, c)
			if err := c.Run(t.Context(), &Globals{Out: io.Discard}); !errors.Is(err, fault.Invalid) {
				t.Errorf("written over: %v", err)
			}
			if out, err := exec.CommandContext(t.Context(), "openssl", "verify", "-CAfile", filepath.Join(dir, "anchor.pem"), filepath.Join(dir, "issuer.pem")).CombinedOutput(); err != nil {
				t.Errorf("the issuer's certificate: %v\n%s", err, out)
			}
			if accepted[format] != "" {
				followReadme(t, dir, strings.Fields(accepted[format]))
			}
			switch format {
			case "pdf":
				followPDF(t, dir, "PAdES B-B", "CAdES Verification successful")
			case "mdoc":
				followSession(t, dir)
			}
		})
	}
	for name, c := range map[string]*SampleCmd{
		"a qualification that there is not": {Format: "qr", Qualification: "nothing"},
		"a timestamp for what has none":     {Format: "qr", Qualification: "kangoshi", TimestampURL: "http://127.0.0.1:1/tsa"},
		"an authority that is not trusted":  {Format: "pdf", Qualification: "kangoshi", TimestampURL: "http://127.0.0.1:1/tsa"},
	} {
		c.Out = filepath.Join(t.TempDir(), "x")
		if err := c.Run(t.Context(), &Globals{Out: io.Discard}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSampleWithTimestamp: with an authority the PDF has a timestamp and the evidence behind it, which OpenSSL checks as the
// README says.
func TestSampleWithTimestamp(t *testing.T) {
	t.Parallel()
	var authority *sim.Server
	at := simtest.Serve(t, func(baseURL string) http.Handler {
		var err error
		if authority, err = sim.New(sim.Config{BaseURL: baseURL, Clock: clock.System{}}); err != nil {
			t.Fatal(err)
		}
		return authority
	})
	anchor := filepath.Join(t.TempDir(), "anchor.pem")
	if err := os.WriteFile(anchor, certificatePEM(authority.Anchor()), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "sample")
	written(t, &SampleCmd{Format: "pdf", Out: dir, Qualification: "kangoshi", TimestampURL: at + sim.Path, TimestampLists: at + sim.ListPath, TimestampAnchors: []string{anchor}})
	followPDF(t, dir, "PAdES B-LT", "Verification: OK")
}

func written(t *testing.T, c *SampleCmd) {
	t.Helper()
	if err := c.Run(t.Context(), &Globals{Out: io.Discard, Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
}

// readme returns the commands of the sample's README, without those that begin with any of the words.
func readme(t *testing.T, dir string, without ...string) (text, commands string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(raw)) {
		command, is := strings.CutPrefix(line, "    ")
		if is && !slices.ContainsFunc(without, func(w string) bool { return strings.HasPrefix(command, w) }) {
			b.WriteString(command)
		}
	}
	return string(raw), b.String()
}

// followPDF runs the shell commands of the README: all of them succeed over the good file, and OpenSSL refuses the one that was
// tampered with. Of an update behind everything pdfsig says that it was not signed.
func followPDF(t *testing.T, dir, level, last string) {
	t.Helper()
	text, commands := readme(t, dir, "akashi")
	if !strings.Contains(text, level) {
		t.Errorf("the README does not say %q:\n%s", level, text)
	}
	for file, want := range map[string][]string{
		"certificate.pdf": {"Signature is Valid", "No syntax or stream encoding errors found", "signer.pem: OK", last},
		"tampered.pdf":    {"Digest Mismatch", "CAdES Verification failure"},
		"appended.pdf":    {"Signature is Valid", "Not total document signed"},
	} {
		command := exec.CommandContext(t.Context(), "sh", "-e")
		command.Dir, command.Stdin = dir, strings.NewReader(strings.Replace(commands, "F=certificate.pdf", "F="+file, 1))
		out, err := command.CombinedOutput()
		if (err == nil) != (file != "tampered.pdf") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		for _, say := range want {
			if !strings.Contains(string(out), say) {
				t.Errorf("%s: nobody says %q:\n%s", file, say, out)
			}
		}
	}
}

// node runs the README's program, as the README says it for Node 18 where that is what there is.
func node(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	version, err := exec.CommandContext(t.Context(), "node", "--version").Output()
	if err != nil {
		t.Fatalf("asking Node for its version: %v", err)
	}
	args = append([]string{"check.mjs"}, args...)
	if strings.HasPrefix(string(version), "v18.") {
		args = append([]string{"--experimental-global-webcrypto"}, args...)
	}
	command := exec.CommandContext(t.Context(), "node", args...)
	command.Dir = dir
	return command
}

// followSession runs the README's program over the answer of a holder's device, in its session and in another.
func followSession(t *testing.T, dir string) {
	t.Helper()
	for transcript, want := range map[string]string{"session-transcript.cbor": "花子", "another-transcript.cbor": "deviceAuth"} {
		command := node(t, dir, "presentation.response", transcript)
		out, err := command.CombinedOutput()
		if (err == nil) != (transcript == "session-transcript.cbor") || !strings.Contains(string(out), want) {
			t.Errorf("in the session of %s: %v\n%s", transcript, err, out)
		}
	}
	_, commands := readme(t, dir)
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "cd "+dir+" && "+commands[strings.Index(commands, "openssl"):]).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "signer.pem: OK") {
		t.Errorf("the document signer's certificate: %v\n%s", err, out)
	}
}

// followReadme runs the program in the README over every file with a verdict.
func followReadme(t *testing.T, dir string, accepted []string) {
	t.Helper()
	modules, err := filepath.Abs("../../test/interop/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "jose")); err != nil {
		t.Fatal("the Node packages of test/interop are not there: make interop-packages brings them")
	}
	text, script := readme(t, dir, "akashi", "openssl")
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "check.mjs"), []byte(script), 0o600), os.Symlink(modules, filepath.Join(dir, "node_modules"))); err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile("(?m)^\\| `(.+?)` \\|.*\\| (\\w+) \\|$").FindAllStringSubmatch(text, -1) {
		command := node(t, dir, found[1])
		out, err := command.CombinedOutput()
		said := string(out)
		holds := err == nil && !strings.HasPrefix(said, "revoked") && !strings.HasPrefix(said, "suspended") && !strings.HasPrefix(said, "cannot tell")
		want := slices.Contains(accepted, found[1])
		if holds != want || want && !strings.Contains(said, "花子") {
			t.Errorf("%s (%s): %v\n%s", found[1], found[2], err, said)
		}
	}
}
