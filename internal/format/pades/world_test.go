package pades_test

import (
	"akashi/internal/format/formattest"
	"akashi/internal/format/jws"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"akashi/internal/format/pades"
	"akashi/internal/format/tsp"
)

// noon is when everything in these tests happens.
var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.FixedZone("JST", 9*3600))

// authority issues certificates and lists of revoked ones.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// holder is a key with its chain.
type holder struct {
	chain []*x509.Certificate
	key   *ecdsa.PrivateKey
}

func certify(t testing.TB, template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newAuthority(t testing.TB, title string) authority {
	t.Helper()
	key := formattest.Key(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: title, Country: []string{"JP"}},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(20, 0, 0), BasicConstraintsValid: true, IsCA: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	return authority{certify(t, template, template, key.Public(), key), key}
}

// issue makes a certificate; change may alter it.
func (a authority) issue(t testing.TB, serial int64, change func(*x509.Certificate)) holder {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "厚生労働省 (test)", Country: []string{"JP"}},
		NotBefore: noon.AddDate(0, -1, 0), NotAfter: noon.AddDate(2, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment}
	if change != nil {
		change(template)
	}
	key := formattest.Key(t)
	return holder{[]*x509.Certificate{certify(t, template, a.cert, key.Public(), a.key), a.cert}, key}
}

// stamping makes a certificate one for timestamps.
func stamping(c *x509.Certificate) {
	c.Subject.CommonName = "timestamp (test)"
	value := []byte{0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08}
	c.ExtraExtensions = []pkix.Extension{{Id: []int{2, 5, 29, 37}, Critical: true, Value: value}}
}

// list is a revocation list with these serial numbers.
func (a authority) list(t testing.TB, at time.Time, revoked ...x509.RevocationListEntry) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(at.Unix()), ThisUpdate: at,
		NextUpdate: at.AddDate(0, 0, 7), RevokedCertificateEntries: revoked}, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// sign is the signer's function.
func (h holder) sign(_ context.Context, toSign []byte) ([]byte, error) {
	return jws.SignES256(h.key, toSign)
}

// stamp is the timestamp's function, at a time.
func (h holder) stamp(at time.Time) pades.TimestampFunc {
	return func(_ context.Context, digest [sha256.Size]byte) ([]byte, error) {
		return tsp.Issue(tsp.Info{Policy: []int{1, 2, 3, 4}, Hash: crypto.SHA256, Imprint: digest[:], Serial: big.NewInt(at.UnixNano()), Time: at},
			h.chain, true, h.key)
	}
}

// world is an authority for documents with a signer, and one for timestamps with its server.
type world struct {
	documents, stamps authority
	signer, stamper   holder
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{documents: newAuthority(t, "documents (test)"), stamps: newAuthority(t, "timestamps (test)")}
	w.signer = w.documents.issue(t, 10, nil)
	w.stamper = w.stamps.issue(t, 20, stamping)
	return w
}

func (w *world) options() pades.Options {
	return pades.Options{Chain: w.signer.chain, At: noon, Name: "厚生労働省", Reason: "資格の証明", Credential: "https://verify.test/w/?c=0123", Copy: "0190", Status: "https://verify.test/status/KGMH/1#17"}
}

// base is a document of one page, with a table of cross-references.
func base(extra string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var offsets []int
	for i, o := range []string{
		"<</Type/Catalog/Pages 2 0 R" + extra + ">>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
		"<</Length 43>>\nstream\nBT /F 24 Tf 100 700 Td (Certificate) Tj ET\nendstream",
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
	} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R/ID[<0123><4567>]>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return b.Bytes()
}

// packed is the same document with object streams and a cross-reference stream, as qpdf writes it.
func packed(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.pdf"), filepath.Join(dir, "out.pdf")
	save(t, in, base(""))
	run(t, "qpdf", "--object-streams=generate", in, out)
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func save(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs a program that must succeed.
func run(t testing.TB, program string, args ...string) string {
	t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func asPEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}
