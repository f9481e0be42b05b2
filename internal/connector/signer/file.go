package signer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"akashi/internal/fault"
)

const (
	suffix      = ".pem"
	tokenSuffix = ".pub"
	chainSuffix = ".crt"
	lockName    = ".lock"
	maxFile     = 4096

	newPrefix = ".new-"    // of files that have no name yet
	tokenID   = "Token-Id" // header of a public half: the id of the private one on the token, in hexadecimal
	idBytes   = 64         // bounds such an id
	writers   = 128        // files that are synced at once, so that the file system commits them together
)

func ownDirectory(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(fault.Internal, err, "making the key directory")
	}
	return closedToOthers(dir)
}

// closedToOthers refuses a file or directory that its group or everybody can read or write.
func closedToOthers(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "looking at a key file")
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.Internal, "", fmt.Sprintf("reading keys: %s is open to others (%04o)", path, info.Mode().Perm()))
	}
	return nil
}

// lock keeps other processes from making a key at the same time. The kernel lets go of it when a process dies.
func lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "opening the key directory's lock")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fault.Wrap(fault.Internal, errors.Join(err, f.Close()), "locking the key directory")
	}
	// Closing lets go of the lock; nothing was written that could be lost.
	return func() { _ = f.Close() }, nil
}

func readAll(dir string) (map[string]pair, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading the key directory")
	}
	keys := map[string]pair{}
	for _, entry := range entries {
		if ending := filepath.Ext(entry.Name()); ending != suffix && ending != tokenSuffix {
			continue
		}
		key, err := read(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the key %s: %w", entry.Name(), err)
		}
		keys[key.KID] = key
	}
	return keys, nil
}

func read(path string) (pair, error) {
	registrar, purpose, from, err := parseName(filepath.Base(path))
	if err != nil {
		return pair{}, err
	}
	if err := closedToOthers(path); err != nil {
		return pair{}, err
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return pair{}, fault.Wrap(fault.Internal, err, "reading a file")
	}
	var private *ecdsa.PrivateKey
	var public *ecdsa.PublicKey
	var id []byte
	if filepath.Ext(path) == tokenSuffix {
		id, public, err = parsePublic(raw)
	} else if private, err = parseKey(raw); err == nil {
		public = &private.PublicKey
	}
	if err != nil {
		return pair{}, err
	}
	made, err := newPair(registrar, purpose, from, public)
	if err != nil {
		return pair{}, err
	}
	made.private, made.onToken = private, id
	made.Chain, err = readChain(strings.TrimSuffix(path, filepath.Ext(path))+chainSuffix, made.Public)
	return made, err
}

func parseName(name string) (registrar, purpose string, from time.Time, err error) {
	parts := strings.Split(strings.TrimSuffix(name, filepath.Ext(name)), ".")
	if len(parts) != 3 || !isName(parts[0]) || !isName(parts[1]) {
		return "", "", time.Time{}, fault.New(fault.Internal, "", "the file's name is not registrar.purpose.seconds.pem")
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return "", "", time.Time{}, fault.Wrap(fault.Internal, err, "reading the file's name")
	}
	return parts[0], parts[1], time.Unix(seconds, 0), nil
}

func parseKey(raw []byte) (*ecdsa.PrivateKey, error) {
	block, rest := pem.Decode(raw)
	if len(raw) > maxFile || block == nil || block.Type != "PRIVATE KEY" || len(rest) > 0 {
		return nil, fault.New(fault.Internal, "", "the file is not one PKCS#8 key in PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "parsing a key")
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || private.Curve != elliptic.P256() {
		return nil, fault.New(fault.Internal, "", "the key is not on P-256")
	}
	return private, nil
}

// parsePublic reads the public half of a key on a token, and the id of the other.
func parsePublic(raw []byte) (id []byte, public *ecdsa.PublicKey, err error) {
	block, rest := pem.Decode(raw)
	if len(raw) > maxFile || block == nil || block.Type != "PUBLIC KEY" || len(rest) > 0 {
		return nil, nil, fault.New(fault.Internal, "", "the file is not one public key in PEM")
	}
	if id, err = hex.DecodeString(block.Headers[tokenID]); err != nil || len(id) == 0 || len(id) > idBytes {
		return nil, nil, fault.New(fault.Internal, "", "the file does not say under which id the token has the key")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "parsing a public key")
	}
	public, ok := parsed.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return nil, nil, fault.New(fault.Internal, "", "the key is not on P-256")
	}
	return id, public, nil
}

// file is a name with what stands under it.
type file struct {
	name    string
	content []byte
}

// file is what is kept of a key.
func (k pair) file() (file, error) {
	if k.private == nil {
		der, err := x509.MarshalPKIXPublicKey(k.Public)
		if err != nil {
			return file{}, fault.Wrap(fault.Internal, err, "encoding a public key")
		}
		block := &pem.Block{Type: "PUBLIC KEY", Headers: map[string]string{tokenID: hex.EncodeToString(k.onToken)}, Bytes: der}
		return file{k.name() + tokenSuffix, pem.EncodeToMemory(block)}, nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return file{}, fault.Wrap(fault.Internal, err, "encoding a key")
	}
	return file{k.name() + suffix, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})}, nil
}

// name is the name of a key's files without their ending.
func (k Key) name() string {
	return fmt.Sprintf("%s.%s.%d", k.Registrar, k.Purpose, k.NotBefore.Unix())
}

// place is placeAll for one file.
func place(dir, name string, content []byte, put func(from, to string) error) error {
	return placeAll(dir, []file{{name, content}}, put)
}

// placeAll writes files, all or, after a crash, some, but each at once: into a new one first, which is synced and then put under its
// name. All are synced before the first gets its name, and the directory once after the last. By os.Link a name that
// exists is never written over; by os.Rename it is replaced. The caller has the directory's lock.
func placeAll(dir string, files []file, put func(from, to string) error) (err error) {
	if err := sweep(dir); err != nil {
		return err
	}
	written := make([]string, len(files))
	defer func() {
		for _, name := range written {
			err = errors.Join(err, forget(name))
		}
	}()
	for i, f := range files {
		if written[i], err = writeNew(dir, f.content); err != nil {
			return err
		}
	}
	if err := syncAll(written); err != nil {
		return err
	}
	for i, f := range files {
		if err := put(written[i], filepath.Join(dir, f.name)); err != nil {
			return fault.Wrap(fault.Internal, err, "naming a key file")
		}
	}
	return syncDirectory(dir)
}

// writeNew writes a file that has no name yet.
func writeNew(dir string, content []byte) (name string, err error) {
	f, err := os.CreateTemp(dir, newPrefix+"*") // made with 0600
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "making a key file")
	}
	_, err = f.Write(content)
	return f.Name(), fault.Wrap(fault.Internal, errors.Join(err, f.Close()), "writing a key file")
}

// syncAll syncs files side by side: the file system then writes its journal for many of them at once.
func syncAll(names []string) error {
	var group errgroup.Group
	group.SetLimit(writers)
	for _, name := range names {
		group.Go(func() error {
			f, err := os.Open(name)
			if err != nil {
				return fault.Wrap(fault.Internal, err, "syncing a key file")
			}
			return fault.Wrap(fault.Internal, errors.Join(f.Sync(), f.Close()), "syncing a key file")
		})
	}
	return group.Wait()
}

// sweep removes what crashes have left without a name.
func sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, newPrefix+"*"))
	for _, name := range left {
		err = errors.Join(err, forget(name))
	}
	return fault.Wrap(fault.Internal, err, "removing what was left of key files")
}

func forget(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Internal, err, "removing a temporary key file")
	}
	return nil
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "opening the key directory")
	}
	return fault.Wrap(fault.Internal, errors.Join(d.Sync(), d.Close()), "syncing the key directory")
}
