package vault_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"akashi/internal/fault"
	"akashi/internal/vault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fresh is where a vault is to be made.
func fresh(t testing.TB) string { return filepath.Join(t.TempDir(), "vault") }

// made is a copy of a vault that was made once, because making RSA keys takes its time.
func made(t testing.TB) string {
	t.Helper()
	original, err := prepared()
	must(t, err)
	d := fresh(t)
	restore(t, d, original)
	return d
}

var prepared = sync.OnceValues(func() (string, error) {
	d, err := os.MkdirTemp("", "vault")
	if err != nil {
		return "", err
	}
	_, err = vault.Open(d)
	return d, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if d, err := prepared(); err == nil {
		os.RemoveAll(d)
	}
	os.Exit(code)
}

func open(t testing.TB, dir string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(dir)
	must(t, err)
	return v
}

func TestKeysStayTheSame(t *testing.T) {
	d := fresh(t)
	a, b := open(t, d), open(t, d)
	if !bytes.Equal(a.RefKey().Bytes(), b.RefKey().Bytes()) || len(a.RefKey().Bytes()) != 32 {
		t.Error("the key of references changed")
	}
	if !a.CitizenClientKey().Public().Equal(b.CitizenClientKey().Public()) || a.CitizenClientKey().ID() != b.CitizenClientKey().ID() {
		t.Error("the client key changed")
	}
	if a.Checkpoint().Public() != b.Checkpoint().Public() || a.Checkpoint().Verifier().Name() != vault.NoteName {
		t.Error("the checkpoint key changed")
	}
	if bytes.Equal(a.CitizenCookieKey().Bytes(), a.OfficeCookieKey().Bytes()) || a.CitizenClientKey().ID() == a.StaffClientKey().ID() {
		t.Error("two purposes share a key")
	}
	if other := open(t, made(t)); bytes.Equal(a.RefKey().Bytes(), other.RefKey().Bytes()) {
		t.Error("two installations share a key")
	}
}

func TestTheGivenKeyCannotBeChangedThroughItsCopy(t *testing.T) {
	v := open(t, made(t))
	v.RefKey().Bytes()[0] ^= 1
	if a, b := v.RefKey().Bytes(), v.RefKey().Bytes(); !bytes.Equal(a, b) {
		t.Error("copies differ")
	}
}

func TestKeysWork(t *testing.T) {
	v := open(t, made(t))
	signed, err := note.Sign(&note.Note{Text: "text\n"}, v.Checkpoint().Signer())
	must(t, err)
	_, err = note.Open(signed, note.VerifierList(v.Checkpoint().Verifier()))
	must(t, err)

	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, v.CitizenClientDecryption().Public(), []byte("m"), nil)
	must(t, err)
	plain, err := v.CitizenClientDecryption().Decrypter().Decrypt(rand.Reader, sealed, &rsa.OAEPOptions{Hash: crypto.SHA256})
	if err != nil || string(plain) != "m" {
		t.Errorf("decrypted %q: %v", plain, err)
	}
}

// The files are ordinary PKCS #8, which OpenSSL reads too.
func TestOpenSSLReadsTheKeys(t *testing.T) {
	d := made(t)
	open(t, d)
	for file, want := range map[string]string{
		"citizen-client-sign.pem": "prime256v1", "staff-client-sign.pem": "prime256v1", "services-client-sign.pem": "prime256v1", "citizen-client-decrypt.pem": "3072 bit",
	} {
		out, err := exec.Command("openssl", "pkey", "-in", filepath.Join(d, file), "-noout", "-text").CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}

func TestFilesArePrivateAndNothingElseStays(t *testing.T) {
	d := fresh(t)
	open(t, d)
	info, err := os.Stat(d)
	must(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %04o", info.Mode().Perm())
	}
	entries, err := os.ReadDir(d)
	must(t, err)
	if len(entries) != 11 {
		t.Errorf("%d files, want 11: %v", len(entries), entries)
	}
	for _, e := range entries {
		info, err := e.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", e.Name(), info.Mode().Perm())
		}
	}
}

func TestRefusals(t *testing.T) {
	shared := made(t)
	open(t, shared)
	file := func(name string) string { return filepath.Join(shared, name) }
	for _, c := range []struct {
		name       string
		spoil      func() error
		kind       fault.Kind
		want       string
		notContain string
	}{
		{"world-readable file", func() error { return os.Chmod(file("ref.key"), 0o604) }, fault.Forbidden, "mode 0604: chmod 0600", ""},
		{"group-readable file", func() error { return os.Chmod(file("audit-note.key"), 0o640) }, fault.Forbidden, "mode 0640: chmod 0600", ""},
		{"open directory", func() error { return os.Chmod(shared, 0o755) }, fault.Forbidden, "mode 0755: chmod 0700", ""},
		{"short key", func() error { return os.WriteFile(file("ref.key"), []byte("AAAA\n"), 0o600) }, fault.Invalid, "3 bytes, not 32", "AAAA"},
		{"empty key", func() error { return os.WriteFile(file("ref.key"), nil, 0o600) }, fault.Invalid, "0 bytes, not 32", ""},
		{"no base64", func() error { return os.WriteFile(file("office-cookie.key"), []byte("geheim!"), 0o600) }, fault.Invalid, "not base64", "geheim"},
		{"no note key", func() error { return os.WriteFile(file("audit-note.key"), []byte("PRIVATE+KEY+geheim"), 0o600) }, fault.Invalid, "not a note signing key", "geheim"},
		{"no PEM", func() error { return os.WriteFile(file("staff-client-sign.pem"), []byte("geheim"), 0o600) }, fault.Invalid, "not a PEM private key", "geheim"},
		{"another kind of key", func() error {
			content, err := os.ReadFile(file("citizen-client-sign.pem"))
			if err != nil {
				return err
			}
			return os.WriteFile(file("citizen-client-decrypt.pem"), content, 0o600)
		}, fault.Invalid, "not an RSA key", ""},
		{"a directory in its place", func() error {
			return errors.Join(os.Remove(file("ref.key")), os.Mkdir(file("ref.key"), 0o700))
		}, fault.Invalid, "not a regular file", ""},
	} {
		saved := t.TempDir()
		must(t, os.CopyFS(filepath.Join(saved, "v"), os.DirFS(shared)))
		must(t, c.spoil())
		_, err := vault.Open(shared)
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.want) || c.notContain != "" && strings.Contains(err.Error(), c.notContain) {
			t.Errorf("%s: got %v, want %s %q", c.name, err, c.kind, c.want)
		}
		restore(t, shared, filepath.Join(saved, "v"))
	}
	open(t, shared)
}

func restore(t testing.TB, dir, saved string) {
	t.Helper()
	must(t, os.RemoveAll(dir))
	must(t, os.CopyFS(dir, os.DirFS(saved)))
	must(t, os.Chmod(dir, 0o700))
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		must(t, os.Chmod(filepath.Join(dir, e.Name()), 0o600))
	}
}

func TestProgramsStartingAtOnceShareTheKeys(t *testing.T) {
	d := fresh(t)
	var all sync.WaitGroup
	refs, notes := make([]string, 3), make([]string, 3)
	for i := range refs {
		all.Go(func() {
			v, err := vault.Open(d)
			if err != nil {
				t.Error(err)
				return
			}
			refs[i], notes[i] = string(v.RefKey().Bytes()), v.Checkpoint().Public()
		})
	}
	all.Wait()
	for i := range refs {
		if refs[i] != refs[0] || notes[i] != notes[0] {
			t.Error("two programs have different keys")
		}
	}
}

// Whatever prints, logs or encodes a secret or something that holds one shows no part of it.
func TestSecretsAreNeverShown(t *testing.T) {
	d := made(t)
	v := open(t, d)
	type config struct {
		Name  string
		Key   vault.Secret
		inner vault.Secret
		sign  vault.SigningKey
		note  *vault.Checkpoint
	}
	cp := v.Checkpoint()
	holders := []any{v, *v, v.RefKey(), v.CitizenClientKey(), v.StaffClientKey(), v.CitizenClientDecryption(), cp,
		config{"n", v.RefKey(), v.OfficeCookieKey(), v.StaffClientKey(), &cp}, &config{"n", v.RefKey(), v.OfficeCookieKey(), v.StaffClientKey(), &cp},
		[]vault.Secret{v.RefKey()}, map[string]vault.Secret{"k": v.CitizenCookieKey()}}
	var shown bytes.Buffer
	for _, h := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&shown, verb+"\n", h)
		}
		slog.New(slog.NewTextHandler(&shown, nil)).Info("m", "h", h)
		slog.New(slog.NewJSONHandler(&shown, nil)).Info("m", "h", h)
		encoded, err := json.Marshal(h)
		must(t, err)
		shown.Write(encoded)
	}
	for what, secret := range secrets(t, d, v) {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("%s is shown", what)
		}
	}
	if !strings.Contains(shown.String(), "[secret]") {
		t.Error("nothing says that there is a secret")
	}
}

// secrets gives each secret in the forms in which a printer would show it.
func secrets(t testing.TB, dir string, v *vault.Vault) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, s := range map[string]vault.Secret{"ref": v.RefKey(), "citizen": v.CitizenCookieKey(), "office": v.OfficeCookieKey()} {
		key := s.Bytes()
		all[name+" raw"] = string(key)
		all[name+" hex"] = fmt.Sprintf("%x", key[:8])
		all[name+" HEX"] = fmt.Sprintf("%X", key[:8])
		all[name+" decimal"] = strings.Trim(fmt.Sprint(key[:6]), "[]")
		all[name+" go"] = strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key[:6]), "[]byte{"), "}")
		all[name+" base64"] = base64.StdEncoding.EncodeToString(key)[:16]
	}
	for _, name := range []string{"audit-note.key", "staff-client-sign.pem"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		all[name] = string(content[len(content)/2 : len(content)/2+20])
	}
	return all
}
