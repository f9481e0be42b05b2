// Package vault keeps the platform's own secrets in files of the data directory: made at the first start, read at every
// other, never shown. They are the key from which registrars' references are derived, the cookie keys, the key that
// signs checkpoints of the audit log and the keys by which outside systems know us. Keys that sign credentials are not
// here; they belong to a connector that may be an HSM.
//
// A file is 0600 and its directory 0700; anything wider is refused with the remedy. A new file appears under its name
// complete and on disk, or not at all, and of two programs starting at once one makes it and both use it. Losing
// ref.key separates every person from their entries: it belongs into the backup.
package vault

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"

	"akashi/internal/fault"
)

// Files of a vault.
const (
	fileRef            = "ref.key"
	fileCitizenCookie  = "citizen-cookie.key"
	fileOfficeCookie   = "office-cookie.key"
	filePresentation   = "presentation.key"
	fileNote           = "audit-note.key"
	fileCitizenSign    = "citizen-client-sign.pem"
	fileCitizenDecrypt = "citizen-client-decrypt.pem"
	fileStaffSign      = "staff-client-sign.pem"
	fileServicesSign   = "services-client-sign.pem"
	fileSeal           = "seal.key"
	fileWebhookSign    = "webhook-sign.pem"
)

// NoteName is the name under which checkpoints of the audit log are signed, and the log's origin (C2SP tlog-checkpoint).
const NoteName = "akashi/audit"

const rsaBits = 3072

// Vault holds the secrets of one installation. It is read once and never changes.
type Vault struct {
	hidden
	ref, citizenCookie, officeCookie Secret
	presentation                     Secret
	checkpoint                       Checkpoint
	citizenSign, staffSign           SigningKey
	servicesSign, webhookSign        SigningKey
	sealing                          Secret
	citizenDecrypt                   DecryptionKey
}

// Open reads the vault in dir, making the directory and whatever is missing in it. fault.Forbidden when the directory
// or a file can be read by others, fault.Invalid when a file is damaged: a damaged key is never replaced.
func Open(dir string) (*Vault, error) {
	if err := openDir(dir); err != nil {
		return nil, fmt.Errorf("opening the vault: %w", err)
	}
	v, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the vault: %w", err)
	}
	return v, nil
}

func read(dir string) (*Vault, error) {
	v := &Vault{}
	steps := []struct {
		file string
		make func() ([]byte, error)
		take func([]byte) error
	}{
		{fileRef, newSymmetric, v.ref.take},
		{fileCitizenCookie, newSymmetric, v.citizenCookie.take},
		{fileOfficeCookie, newSymmetric, v.officeCookie.take},
		{filePresentation, newSymmetric, v.presentation.take},
		{fileNote, newNoteKey, v.checkpoint.take},
		{fileCitizenSign, newSigningKey, v.citizenSign.take},
		{fileStaffSign, newSigningKey, v.staffSign.take},
		{fileServicesSign, newSigningKey, v.servicesSign.take},
		{fileCitizenDecrypt, newDecryptionKey, v.citizenDecrypt.take},
		{fileSeal, newSymmetric, v.sealing.take},
		{fileWebhookSign, newSigningKey, v.webhookSign.take},
	}
	for _, s := range steps {
		content, err := loadOrMake(filepath.Join(dir, s.file), s.make)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.file, err)
		}
		if err := s.take(content); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, s.file+" is damaged; restore it from the backup")
		}
	}
	return v, nil
}

// RefKey is the key of account.RefFor, 32 bytes.
func (v *Vault) RefKey() Secret { return v.ref }

// CitizenCookieKey protects cookies of the citizen portal, 32 bytes.
func (v *Vault) CitizenCookieKey() Secret { return v.citizenCookie }

// OfficeCookieKey protects cookies of the office console, 32 bytes.
func (v *Vault) OfficeCookieKey() Secret { return v.officeCookie }

// PresentationKey is what the keys come from to which wallets encrypt their answers, 32 bytes.
func (v *Vault) PresentationKey() Secret { return v.presentation }

// Checkpoint signs and checks checkpoints of the audit log.
func (v *Vault) Checkpoint() Checkpoint { return v.checkpoint }

// CitizenClientKey signs the citizen login client's assertions (private_key_jwt, ES256).
func (v *Vault) CitizenClientKey() SigningKey { return v.citizenSign }

// CitizenClientDecryption opens what the sign service encrypts to the citizen login client (RSA-OAEP-256).
func (v *Vault) CitizenClientDecryption() DecryptionKey { return v.citizenDecrypt }

// StaffClientKey signs the staff login client's assertions (private_key_jwt, ES256).
func (v *Vault) StaffClientKey() SigningKey { return v.staffSign }

// ServicesClientKey signs the tokens with which the registries and the payment provider are called (ES256).
func (v *Vault) ServicesClientKey() SigningKey { return v.servicesSign }

// SealKey seals what registered verifiers send until it is checked, and is what the key for sealed results is derived from; 32 bytes.
func (v *Vault) SealKey() Secret { return v.sealing }

// WebhookKey signs notifications to registered verifiers (ecdsa-p256-sha256).
func (v *Vault) WebhookKey() SigningKey { return v.webhookSign }

func newSymmetric() ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return []byte(base64.StdEncoding.EncodeToString(key) + "\n"), nil
}

func newNoteKey() ([]byte, error) {
	private, _, err := note.GenerateKey(rand.Reader, NoteName)
	return []byte(private + "\n"), err
}

func newSigningKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return pkcs8(key)
}

func newDecryptionKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	return pkcs8(key)
}

func pkcs8(key crypto.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// keyID names a public key: SHA-256 over its SubjectPublicKeyInfo, in URL-safe base64 of the first 16 bytes.
func keyID(public crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(der)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// maxFile bounds what is read as a key.
const maxFile = 64 << 10

func openDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	return private(dir, info, "0700")
}

// private refuses what anybody but the owner may read, write or enter.
func private(path string, info os.FileInfo, want string) error {
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return fault.New(fault.Forbidden, "", fmt.Sprintf("%s holds secrets and has mode %04o: chmod %s %s, and replace the keys if others have read them",
		path, info.Mode().Perm(), want, path))
}

func loadOrMake(path string, make func() ([]byte, error)) ([]byte, error) {
	content, err := load(path)
	if !errors.Is(err, os.ErrNotExist) {
		return content, err
	}
	content, err = make()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := create(path, content); err != nil {
		return nil, err
	}
	return load(path) // ours, or that of a program that was faster
}

func load(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "", path+" is not a regular file")
	}
	if err := private(path, info, "0600"); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// create puts a file under its name complete and on disk, unless the name is taken: link, unlike rename, leaves what is
// there. After a crash there may be a temporary file beside it, which nobody reads.
func create(path string, content []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".new-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if err := writeAll(tmp, content); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func writeAll(f *os.File, content []byte) error {
	_, err := f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
