package signer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
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

	"akashi/internal/fault"
)

const (
	suffix   = ".pem"
	lockName = ".lock"
	maxFile  = 4096
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
		if !strings.HasSuffix(entry.Name(), suffix) {
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
	private, err := parseKey(raw)
	if err != nil {
		return pair{}, err
	}
	return newPair(registrar, purpose, from, private)
}

func parseName(name string) (registrar, purpose string, from time.Time, err error) {
	parts := strings.Split(strings.TrimSuffix(name, suffix), ".")
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

// write puts the whole key under its name at once: into a new file first, which is synced and then linked, so that a crash
// leaves either the key or nothing, and a name that exists is never written over.
func write(dir string, key pair) (err error) {
	der, err := x509.MarshalPKCS8PrivateKey(key.private)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding a key")
	}
	temporary, err := os.CreateTemp(dir, ".new-*") // made with 0600
	if err != nil {
		return fault.Wrap(fault.Internal, err, "making a key file")
	}
	defer func() { err = errors.Join(err, forget(temporary.Name())) }()
	_, err = temporary.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fault.Wrap(fault.Internal, err, "writing a key file")
	}
	name := fmt.Sprintf("%s.%s.%d%s", key.Registrar, key.Purpose, key.NotBefore.Unix(), suffix)
	if err := os.Link(temporary.Name(), filepath.Join(dir, name)); err != nil {
		return fault.Wrap(fault.Internal, err, "naming a key file")
	}
	return syncDirectory(dir)
}

func forget(path string) error {
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
