package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/connector/timestamp"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/govsim/simtest"
	sim "akashi/internal/govsim/timestamp"
	"akashi/internal/pg"
)

// Documents of a directory are renewed when their time comes, recorded, and replaced as a whole; a second run finds nothing to
// do, and what cannot be renewed stays as it is.
func TestRenewTimestamps(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	var authority *sim.Server
	at := simtest.Serve(t, func(baseURL string) http.Handler {
		var err error
		if authority, err = sim.New(sim.Config{BaseURL: baseURL, Clock: w.Clock}); err != nil {
			t.Fatal(err)
		}
		return authority
	})
	anchors := []*x509.Certificate{authority.Anchor()}
	client, err := timestamp.New(timestamp.Config{URL: at + sim.Path, Lists: at + sim.ListPath, Anchors: anchors, Clock: w.Clock, Wait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	worker := w.DB.As(pg.RoleWorker)
	renewer := &credential.Renewer{DB: worker, Catalogue: w.Catalogue, Timestamps: anchors,
		Sealer: &credential.Sealer{DB: worker, Stamp: client.Stamp, Evidence: client.Evidence}}
	sealed(t, w, renewer.Sealer, anchors)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o640); err != nil {
			t.Fatal(err)
		}
		return path
	}
	first := w.Document(t, nil)
	good, unsigned := write("good.pdf", first), write("unsigned.PDF", casetest.Sheet())
	stranger := write("stranger.pdf", w.Document(t, func(o *pades.Options) { o.Copy = pg.NewID().String() }))
	write("notes.txt", []byte("no PDF"))
	files, err := pdfs(dir)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	cmd := &RenewTimestampsCmd{Within: 180 * 24 * time.Hour}
	renew := func(name, file string, want error) {
		t.Helper()
		if err := cmd.renew(t.Context(), renewer, file); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	level := func() (*pades.Signed, int) {
		t.Helper()
		b, err := os.ReadFile(good)
		if err != nil || !bytes.HasPrefix(b, first) {
			t.Fatalf("the document's own bytes were changed: %v", err)
		}
		s, err := pades.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return s, len(s.Timestamps)
	}
	renew("without a timestamp", good, nil)
	renew("at once again", good, errNotDue)
	renew("not signed", unsigned, pades.NotSigned)
	renew("not on record", stranger, fault.NotFound)
	w.Clock.Advance(4*365*24*time.Hour + 200*24*time.Hour)
	renew("before the certificate ends", good, nil)
	if s, n := level(); n != 2 || s.Level != pades.LevelLTA || len(s.Evidence.Lists) == 0 {
		t.Errorf("%d timestamps, level %s", n, s.Level)
	}
	w.Clock.Advance(30 * 365 * 24 * time.Hour)
	renew("too late", good, pades.BadTimestamp)
	info, err := os.Stat(good)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	var events int
	if err := w.DB.Superuser().QueryRow(t.Context(), `select count(*) from audit_event where act = 'credential.renew'`).Scan(&events); err != nil || events != 2 {
		t.Errorf("%d events, %v", events, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".renewing-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// sealed sees that a sealed document has its timestamp and the evidence for it (B-LT).
func sealed(t *testing.T, w *casetest.World, sealer *credential.Sealer, anchors []*x509.Certificate) {
	t.Helper()
	var key *credential.SigningKey
	err := sealer.DB.Platform(t.Context(), func(tx *pg.Tx) (err error) {
		key, err = credential.KeyFor(t.Context(), tx, "mhlw", credential.ForDocument)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := pades.Prepare(casetest.Sheet(), pades.Options{Chain: key.Chain, At: w.Clock.Now(), Timestamped: true})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := w.Issuer.Sign(t.Context(), key.KID, prepared.ToSign)
	if err != nil {
		t.Fatal(err)
	}
	document, err := sealer.Seal(t.Context(), prepared, raw)
	if err != nil {
		t.Fatal(err)
	}
	s, err := pades.Read(document)
	if err != nil || s.Level != pades.LevelLT || len(s.Evidence.Lists) != 1 || len(s.Evidence.Certificates) != 2 {
		t.Fatalf("sealed: %v, %+v", err, s)
	}
	r, err := s.Verify(pades.Trust{Documents: key.Chain[1:], Timestamps: anchors, Now: w.Clock.Now().Add(time.Minute)})
	if err != nil || r.ProvedAt.IsZero() {
		t.Errorf("sealed: %v, %+v", err, r)
	}
}

// A file that cannot be replaced is left alone, and nothing lies beside it.
func TestReplace(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "taken")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := replace(target, []byte("new"), 0o600); err == nil {
		t.Error("a directory was replaced by a file")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}
