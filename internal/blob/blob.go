// Package blob keeps files by their content: the name of a file is the SHA-256 of its bytes, so that it can never
// change under its name and the same upload is kept once.
//
// A file appears in the store whole or not at all: it is written beside the store, forced to the disk, and then renamed.
// A crash leaves at most a file under tmp/, which Sweep removes. Several processes may share a directory.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"akashi/internal/fault"
)

// Ref names a stored file.
type Ref struct {
	SHA256 string // 64 lower-case hexadecimal digits
	Size   int64  // bytes
}

// Store is a directory of files: <dir>/ab/<64 digits>, mode 0600, in directories of mode 0700.
type Store struct{ dir string }

// New opens the store in a directory, which it makes if need be.
func New(dir string) (*Store, error) {
	s := &Store{dir}
	if err := makeDirectory(s.temporary()); err != nil {
		return nil, fmt.Errorf("opening the file store: %w", err)
	}
	return s, nil
}

func (s *Store) temporary() string { return filepath.Join(s.dir, "tmp") }

func (s *Store) path(digest string) string { return filepath.Join(s.dir, digest[:2], digest) }

// Put stores what r yields and returns its name. It reads at most limit bytes and one more: a longer file is a
// fault.TooLarge error (key "file.too_large", argument the limit in bytes). When Put returns, the file survives a crash.
func (s *Store) Put(ctx context.Context, r io.Reader, limit int64) (Ref, error) {
	f, err := os.CreateTemp(s.temporary(), "put-*") // mode 0600
	if err != nil {
		return Ref{}, fmt.Errorf("storing a file: %w", err)
	}
	defer os.Remove(f.Name()) // fails once the file was renamed, as it should
	defer f.Close()
	ref, err := receive(ctx, f, r, limit)
	if err != nil {
		return Ref{}, err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return Ref{}, fmt.Errorf("storing a file: %w", err)
	}
	if err := s.adopt(f.Name(), ref.SHA256); err != nil {
		return Ref{}, fmt.Errorf("storing file %s: %w", ref.SHA256, err)
	}
	return ref, nil
}

// receive copies r to f and digests it.
func receive(ctx context.Context, f *os.File, r io.Reader, limit int64) (Ref, error) {
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(cancellable{ctx, r}, limit+1))
	if err != nil {
		return Ref{}, fmt.Errorf("receiving a file: %w", err)
	}
	if n > limit {
		return Ref{}, fault.New(fault.TooLarge, "file.too_large", "receiving a file", limit)
	}
	return Ref{hex.EncodeToString(h.Sum(nil)), n}, nil
}

// adopt gives the file its name. The directory is forced to the disk even when the name was there already, because
// whoever put it there may not have come that far.
func (s *Store) adopt(temporary, digest string) error {
	directory := filepath.Dir(s.path(digest))
	if err := makeDirectory(directory); err != nil {
		return err
	}
	if err := os.Rename(temporary, s.path(digest)); err != nil {
		return err
	}
	return syncDirectory(directory)
}

// makeDirectory makes a directory that lasts: with its parents, each forced to the disk in the one above it.
func makeDirectory(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDirectory(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(parent)
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open opens the file with the digest for reading; the caller closes it. Errors: fault.NotFound.
func (s *Store) Open(ctx context.Context, digest string) (*os.File, error) {
	if !isDigest(digest) {
		return nil, fault.New(fault.NotFound, "", "opening a file: not a digest")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("opening file %s: %w", digest, err)
	}
	f, err := os.Open(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.NotFound, err, "opening a file")
	}
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	return f, nil
}

// Exists tells whether the file is stored.
func (s *Store) Exists(ctx context.Context, digest string) (bool, error) {
	f, err := s.Open(ctx, digest)
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// Verify reads the file through and tells whether its content still has its name. Errors: fault.NotFound, fault.Internal
// when the content has changed, which only a failing disk or a hand on it can do.
func (s *Store) Verify(ctx context.Context, digest string) error {
	f, err := s.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, cancellable{ctx, f}); err != nil {
		return fmt.Errorf("verifying file %s: %w", digest, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != digest {
		return fault.New(fault.Internal, "", "verifying file "+digest+": its content is "+got)
	}
	return nil
}

// Sniff tells what the stored file is, as Sniff does.
func (s *Store) Sniff(ctx context.Context, digest string) (Media, error) {
	f, err := s.Open(ctx, digest)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("looking at file %s: %w", digest, err)
	}
	return Sniff(f, info.Size())
}

// Remove deletes a content. One that is not there is no error: the deletion may be a repetition.
func (s *Store) Remove(ctx context.Context, digest string) error {
	if !isDigest(digest) {
		return fault.New(fault.NotFound, "", "removing a stored file")
	}
	err := os.Remove(s.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err := errors.Join(ctx.Err(), err); err != nil {
		return fmt.Errorf("removing a stored file: %w", err)
	}
	return nil
}

// Sweep removes what crashes have left under tmp/ and was last written before the given time, and returns how many files
// it removed. Choose a time well before the start of any upload that may still run.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	left, err := os.ReadDir(s.temporary())
	if err != nil {
		return 0, fmt.Errorf("sweeping the file store: %w", err)
	}
	n := 0
	for _, e := range left {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
			continue
		}
		if err := errors.Join(ctx.Err(), err, os.Remove(filepath.Join(s.temporary(), e.Name()))); err != nil {
			return n, fmt.Errorf("sweeping the file store: %w", err)
		}
		n++
	}
	return n, nil
}

// isDigest tells whether s is 64 lower-case hexadecimal digits; nothing else becomes part of a path.
func isDigest(s string) bool {
	if len(s) != hex.EncodedLen(sha256.Size) {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// cancellable stops reading when the context ends.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
