package pades_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"akashi/internal/format/cms"
	"akashi/internal/format/pades"
)

// pdfsig of poppler finds the signature valid over the whole document, and qpdf finds nothing wrong with the file.
func TestPoppler(t *testing.T) {
	w := newWorld(t)
	for name, pdf := range map[string][]byte{"table": base(""), "stream": packed(t)} {
		o := w.options()
		signed, err := pades.Sign(t.Context(), pdf, o, w.signer.sign, w.stamper.stamp(noon))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "signed.pdf")
		save(t, path, signed)
		out := run(t, "pdfsig", "-nocert", path)
		for _, want := range []string{"Signature is Valid", "Total document signed", "ETSI.CAdES.detached", "SHA-256"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: pdfsig does not say %q:\n%s", name, want, out)
			}
		}
		if out := run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors found") {
			t.Errorf("%s: qpdf: %s", name, out)
		}
	}
}

// OpenSSL accepts the signature as CAdES over the covered bytes, and the timestamp over the signature's value; it refuses
// both over other bytes.
func TestOpenSSL(t *testing.T) {
	w := newWorld(t)
	signed := w.signed(t, base(""))
	cut := der(t, signed)
	a, err := cms.ParseAttributed(cut)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for name, b := range map[string][]byte{
		"content": covered(signed), "other": append(covered(signed), ' '), "sig.der": cut, "documents.pem": asPEM(w.documents.cert),
		"stamps.pem": asPEM(w.stamps.cert), "value": a.Signature, "token.der": a.Unsigned[0].Value,
	} {
		save(t, path(name), b)
	}
	at := strconv.FormatInt(noon.Unix(), 10)
	verify := func(content string) (string, error) {
		out, err := exec.Command("openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", path("sig.der"), "-content", path(content),
			"-CAfile", path("documents.pem"), "-purpose", "any", "-attime", at, "-out", path("out")).CombinedOutput()
		return string(out), err
	}
	if out, err := verify("content"); err != nil || !strings.Contains(out, "successful") {
		t.Errorf("OpenSSL refuses the signature: %v\n%s", err, out)
	}
	if out, err := verify("other"); err == nil || !strings.Contains(out, "verification failure") {
		t.Errorf("OpenSSL accepts other content: %v\n%s", err, out)
	}
	stamped := func(data string) (string, error) {
		out, err := exec.Command("openssl", "ts", "-verify", "-data", path(data), "-token_in", "-in", path("token.der"), "-CAfile", path("stamps.pem"),
			"-attime", at).CombinedOutput()
		return string(out), err
	}
	if out, err := stamped("value"); err != nil || !strings.Contains(out, "Verification: OK") {
		t.Errorf("OpenSSL refuses the timestamp: %v\n%s", err, out)
	}
	if out, err := stamped("content"); err == nil || !strings.Contains(out, "message imprint mismatch") {
		t.Errorf("OpenSSL accepts the timestamp over something else: %v\n%s", err, out)
	}
}

// What is refused here is refused by poppler where it can tell: changed bytes, and what a signature does not cover.
func TestPopplerRefuses(t *testing.T) {
	w := newWorld(t)
	signed := w.signed(t, base(""))
	size := lastNumber(signed, "/Size")
	for name, c := range map[string]struct {
		pdf  []byte
		want string
	}{
		"content":       {edited(t, signed, "(Certificate)", "(CertificatE)"), "Digest Mismatch"},
		"stray object":  {updated(signed, map[int]string{size: "(extra)"}, nil), "Not total document signed"},
		"other content": {updated(signed, map[int]string{4: "<</Length 0>>\nstream\n\nendstream"}, nil), "Not total document signed"},
	} {
		path := filepath.Join(t.TempDir(), "broken.pdf")
		save(t, path, c.pdf)
		if out, _ := exec.Command("pdfsig", "-nocert", path).CombinedOutput(); !strings.Contains(string(out), c.want) {
			t.Errorf("%s: pdfsig does not say %q:\n%s", name, c.want, out)
		}
	}
}

// A document of the highest level, renewed, is still sound for others: every signature and timestamp is valid to poppler, and
// qpdf finds nothing wrong.
func TestArchivedElsewhere(t *testing.T) {
	w := newWorld(t)
	for name, pdf := range map[string][]byte{"table": base(""), "stream": packed(t)} {
		b := stamp(t, extend(t, w.signed(t, pdf), w.lists(t, noon)), w.stamper, noon.Add(time.Minute))
		b = stamp(t, extend(t, b, w.lists(t, noon.Add(time.Hour))), w.stamper, noon.Add(2*time.Hour))
		path := filepath.Join(t.TempDir(), "archived.pdf")
		save(t, path, b)
		out := run(t, "pdfsig", "-nocert", path)
		if strings.Count(out, "Signature is Valid") < 1 || strings.Contains(out, "Mismatch") || strings.Contains(out, "Invalid") {
			t.Errorf("%s: pdfsig:\n%s", name, out)
		}
		if out := run(t, "qpdf", "--check", path); !strings.Contains(out, "No syntax or stream encoding errors found") {
			t.Errorf("%s: qpdf: %s", name, out)
		}
	}
}
