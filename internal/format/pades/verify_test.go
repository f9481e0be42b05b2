package pades_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"akashi/internal/format/pades"
	"akashi/internal/format/tsp"
)

func (w *world) trust(now time.Time) pades.Trust {
	return pades.Trust{Documents: []*x509.Certificate{w.documents.cert}, Timestamps: []*x509.Certificate{w.stamps.cert}, Now: now}
}

// lists are fresh revocation lists of both authorities.
func (w *world) lists(t testing.TB, at time.Time) pades.Evidence {
	t.Helper()
	return pades.Evidence{Certificates: [][]byte{w.documents.cert.Raw, w.stamps.cert.Raw, w.stamper.chain[0].Raw},
		Lists: [][]byte{w.documents.list(t, at), w.stamps.list(t, at)}}
}

func extend(t testing.TB, pdf []byte, e pades.Evidence) []byte {
	t.Helper()
	out, err := pades.Extend(pdf, e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func stamp(t testing.TB, pdf []byte, h holder, at time.Time) []byte {
	t.Helper()
	out, err := pades.Stamp(t.Context(), pdf, h.stamp(at))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func verify(pdf []byte, t pades.Trust) (pades.Report, error) {
	s, err := pades.Read(pdf)
	if err != nil {
		return pades.Report{}, err
	}
	return s.Verify(t)
}

// A document grows by levels; each reads back what was put in, and the bytes before never change.
func TestLevels(t *testing.T) {
	w := newWorld(t)
	for name, pdf := range map[string][]byte{"table": base(""), "stream": packed(t)} {
		plain, err := pades.Sign(t.Context(), pdf, w.options(), w.signer.sign, nil)
		if err != nil {
			t.Fatal(err)
		}
		timed := w.signed(t, pdf)
		long := extend(t, timed, w.lists(t, noon))
		archived := stamp(t, long, w.stamper, noon.Add(time.Minute))
		again := stamp(t, extend(t, archived, w.lists(t, noon.AddDate(1, 0, 0))), w.stamper, noon.AddDate(1, 0, 0))
		for want, b := range map[pades.Level][]byte{pades.LevelB: plain, pades.LevelT: timed, pades.LevelLT: long, pades.LevelLTA: again} {
			s, err := pades.Read(b)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, want, err)
			}
			o := w.options()
			if s.Level != want || s.Credential != o.Credential || s.Copy != o.Copy || s.Status != o.Status || len(s.ToSign) == 0 || s.Name != o.Name || s.Reason != o.Reason || !s.At.Equal(noon) || !s.Signer.Equal(w.signer.chain[0]) {
				t.Errorf("%s: read %s, %+v", name, s.Level, s)
			}
		}
		if !bytes.HasPrefix(timed, pdf) || !bytes.HasPrefix(long, timed) || !bytes.HasPrefix(again, archived) {
			t.Errorf("%s: earlier bytes were changed", name)
		}
		s, err := pades.Read(again)
		if err != nil || len(s.Timestamps) != 2 || len(s.Evidence.Lists) != 4 || len(s.Evidence.Certificates) != 3 {
			t.Errorf("%s: %v, %+v", name, err, s.Evidence)
		}
		if same := extend(t, long, w.lists(t, noon)); len(same) < len(long) || name == "table" && len(extend(t, again, pades.Evidence{Certificates: [][]byte{w.documents.cert.Raw}})) != len(again) {
			t.Errorf("%s: evidence was added twice", name)
		}
	}
}

// The same document, certificates and options give the same bytes to sign.
func TestDeterministic(t *testing.T) {
	w := newWorld(t)
	a, err := pades.Prepare(base(""), w.options())
	if err != nil {
		t.Fatal(err)
	}
	b, err := pades.Prepare(base(""), w.options())
	if err != nil || !bytes.Equal(a.ToSign, b.ToSign) || a.Digest != b.Digest {
		t.Errorf("%v, %x, %x", err, a.ToSign, b.ToSign)
	}
}

func TestPrepareRefuses(t *testing.T) {
	w := newWorld(t)
	o := w.options()
	away := o
	away.Page = 1
	for name, c := range map[string]struct {
		pdf  []byte
		o    pades.Options
		want pades.Reason
	}{
		"a form":      {base("/AcroForm<</Fields[]>>"), o, pades.SeveralSignatures},
		"signed":      {w.signed(t, base("")), o, pades.SeveralSignatures},
		"no page":     {base(""), away, pades.Malformed},
		"large":       {make([]byte, pades.MaxSize+1), o, pades.TooLarge},
		"two forms":   {bytes.Replace(base(""), []byte("/ID[<0123><4567>]"), []byte("/XRefStm 9       "), 1), o, pades.Malformed},
		"circle":      {bytes.Replace(base(""), []byte("/ID[<0123><4567>]"), []byte("/Prev 500        "), 1), o, pades.Malformed},
		"no root":     {bytes.Replace(base(""), []byte("/Root 1 0 R"), []byte("/Root 1    "), 1), o, pades.Malformed},
		"not the end": {append(base(""), "\n\n"...), o, pades.Malformed},
	} {
		_, err := pades.Prepare(c.pdf, c.o)
		wantReason(t, name, err, c.want)
	}
	p, err := pades.Prepare(base(""), o)
	if err != nil {
		t.Fatal(err)
	}
	other := w.documents.issue(t, 11, nil)
	raw, err := other.sign(t.Context(), p.ToSign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Signature(raw); err == nil {
		t.Error("a signature by another key was put in")
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	timed := w.signed(t, base(""))
	plain, err := pades.Sign(t.Context(), base(""), w.options(), w.signer.sign, nil)
	if err != nil {
		t.Fatal(err)
	}
	long := extend(t, timed, w.lists(t, noon))
	archived := stamp(t, long, w.stamper, noon.Add(time.Minute))
	ended := noon.AddDate(3, 0, 0) // the certificates of signer and timestamps have ended
	fresh := w.stamps.issue(t, 21, func(c *x509.Certificate) { stamping(c); c.NotAfter = noon.AddDate(4, 0, 0) })
	renewed := stamp(t, extend(t, archived, w.lists(t, noon.AddDate(1, 0, 0))), fresh, noon.AddDate(1, 0, 0))
	revoked := func(at time.Time, serial int64, reason int) x509.RevocationListEntry {
		return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: at, ReasonCode: reason}
	}
	listed := func(a authority, e x509.RevocationListEntry) func(*pades.Trust) {
		return func(trust *pades.Trust) { trust.Lists = [][]byte{a.list(t, noon.AddDate(0, 6, 0), e)} }
	}
	forged := newAuthority(t, "documents (test)")
	for name, c := range map[string]struct {
		pdf    []byte
		now    time.Time
		change func(*pades.Trust)
		want   pades.Reason
	}{
		"plain, today":              {plain, noon, nil, ""},
		"with a timestamp, today":   {timed, noon, nil, ""},
		"with evidence, today":      {long, noon, func(trust *pades.Trust) { trust.Revocation = true }, ""},
		"evidence demanded, none":   {timed, noon, func(trust *pades.Trust) { trust.Revocation = true }, pades.NoRevocationData},
		"archived, today":           {archived, noon.Add(time.Hour), func(trust *pades.Trust) { trust.Revocation = true }, ""},
		"plain, ended":              {plain, ended, nil, pades.ExpiredCertificate},
		"plain, too early":          {plain, noon.AddDate(0, -2, 0), nil, pades.ExpiredCertificate},
		"timestamp ended":           {timed, ended, nil, pades.BadTimestamp},
		"archived, not renewed":     {archived, ended, nil, pades.BadTimestamp},
		"renewed":                   {renewed, ended, func(trust *pades.Trust) { trust.Revocation = true }, ""},
		"renewed, ended again":      {renewed, noon.AddDate(5, 0, 0), nil, pades.BadTimestamp},
		"timestamp from the future": {timed, noon.Add(-time.Hour), nil, pades.BadTimestamp},
		"other anchor":              {timed, noon, func(trust *pades.Trust) { trust.Documents = trust.Timestamps }, pades.UntrustedCertificate},
		"anchor of the same name":   {timed, noon, func(trust *pades.Trust) { trust.Documents = []*x509.Certificate{forged.cert} }, pades.UntrustedCertificate},
		"no anchor for timestamps":  {timed, noon, func(trust *pades.Trust) { trust.Timestamps = nil }, pades.BadTimestamp},
		"other purpose": {timed, noon, func(trust *pades.Trust) {
			trust.Purpose = func(*x509.Certificate) error { return errors.New("status lists") }
		}, pades.WrongPurpose},
		"revoked before":                    {timed, noon, listed(w.documents, revoked(noon.Add(-time.Hour), 10, 1)), pades.RevokedCertificate},
		"revoked after the timestamp":       {timed, noon.AddDate(0, 6, 0), listed(w.documents, revoked(noon.Add(time.Hour), 10, 1)), ""},
		"revoked, no timestamp":             {plain, noon.AddDate(0, 6, 0), listed(w.documents, revoked(noon.Add(time.Hour), 10, 1)), pades.RevokedCertificate},
		"another certificate revoked":       {timed, noon, listed(w.documents, revoked(noon.Add(-time.Hour), 11, 1)), ""},
		"timestamp's key stolen later":      {timed, noon, listed(w.stamps, revoked(noon.Add(time.Hour), 20, 1)), pades.BadTimestamp},
		"timestamp's key given up later":    {timed, noon, listed(w.stamps, revoked(noon.Add(time.Hour), 20, 5)), ""},
		"list by a stranger":                {timed, noon, func(trust *pades.Trust) { trust.Lists = [][]byte{forged.list(t, noon)} }, pades.BadRevocationData},
		"list that is none":                 {timed, noon, func(trust *pades.Trust) { trust.Lists = [][]byte{{0x30, 0}} }, pades.BadRevocationData},
		"evidence is too old":               {plain, noon.AddDate(0, 0, 8), func(trust *pades.Trust) { trust.Lists = w.lists(t, noon).Lists; trust.Revocation = true }, pades.NoRevocationData},
		"a certificate for signing nothing": {signedBy(t, w, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), noon, nil, pades.WrongPurpose},
		"a certificate of an authority":     {signedBy(t, w, func(c *x509.Certificate) { c.IsCA = true; c.KeyUsage |= x509.KeyUsageCertSign }), noon, nil, pades.WrongPurpose},
	} {
		trust := w.trust(c.now)
		if c.change != nil {
			c.change(&trust)
		}
		r, err := verify(c.pdf, trust)
		if c.want == "" {
			if err != nil || len(r.Chain) != 2 {
				t.Errorf("%s: %v, %+v", name, err, r)
			}
			continue
		}
		wantReason(t, name, err, c.want)
	}
	r, err := verify(renewed, w.trust(ended))
	if err != nil || !r.ProvedAt.Equal(noon) || !r.Ends.Equal(fresh.chain[0].NotAfter) || !r.Confirmed {
		t.Errorf("%v, %+v", err, r)
	}
}

// signedBy is signed with a certificate of an unusual kind.
func signedBy(t testing.TB, w *world, change func(*x509.Certificate)) []byte {
	t.Helper()
	h := w.documents.issue(t, 30, change)
	o := w.options()
	o.Chain = h.chain
	out, err := pades.Sign(t.Context(), base(""), o, h.sign, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A timestamp that is over something else is not put in, at neither place.
func TestStampRefuses(t *testing.T) {
	w := newWorld(t)
	other := func(at time.Time) pades.TimestampFunc {
		stamp := w.stamper.stamp(at)
		return func(ctx context.Context, _ [32]byte) ([]byte, error) { return stamp(ctx, [32]byte{1}) }
	}
	if _, err := pades.Sign(t.Context(), base(""), w.options(), w.signer.sign, other(noon)); !errors.Is(err, tsp.ErrImprint) {
		t.Errorf("signing: %v", err)
	}
	if _, err := pades.Stamp(t.Context(), w.signed(t, base("")), other(noon)); !errors.Is(err, tsp.ErrImprint) {
		t.Errorf("stamping: %v", err)
	}
	down := errors.New("down")
	if _, err := pades.Stamp(t.Context(), w.signed(t, base("")), func(context.Context, [32]byte) ([]byte, error) { return nil, down }); !errors.Is(err, down) {
		t.Errorf("stamping: %v", err)
	}
	if _, err := pades.Stamp(t.Context(), base(""), w.stamper.stamp(noon)); !errors.Is(err, pades.NotSigned) {
		t.Errorf("stamping what is not signed: %v", err)
	}
	// A document timestamp is under the same rules as the signature.
	archived := stamp(t, w.signed(t, base("")), w.stamper, noon)
	last := bytes.LastIndex(archived, []byte("/Contents <"))
	spoilt := slices.Concat(archived[:last-30], bytes.Replace(archived[last-30:], []byte(" "), []byte("9"), 1))
	if err := read(spoilt); err == nil {
		t.Error("a timestamp over other bytes is accepted")
	}
	if err := read(append(bytes.Clone(archived), "% more\n%%EOF\n"...)); !errors.Is(err, pades.Malformed) && !errors.Is(err, pades.UnknownUpdate) {
		t.Errorf("bytes after the timestamp: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	w := newWorld(f)
	timed := w.signed(f, base(""))
	f.Add(timed)
	f.Add(stamp(f, extend(f, timed, w.lists(f, noon)), w.stamper, noon))
	f.Add(w.signed(f, packed(f)))
	f.Add(base(""))
	f.Fuzz(func(t *testing.T, pdf []byte) {
		s, err := pades.Read(pdf)
		if err != nil {
			var r *pades.Refusal
			if !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
		} else if _, err := s.Verify(w.trust(noon)); err != nil && s.Signer == nil {
			t.Fatal("read without a signer")
		}
		if p, err := pades.Prepare(pdf, w.options()); err == nil {
			raw, err := w.signer.sign(t.Context(), p.ToSign)
			if err != nil {
				t.Fatal(err)
			}
			a, err := p.Signature(raw)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Complete(a, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkSign(b *testing.B) {
	w := newWorld(b)
	pdf := base("")
	b.SetBytes(int64(len(pdf)))
	for b.Loop() {
		if _, err := pades.Sign(b.Context(), pdf, w.options(), w.signer.sign, nil); err != nil {
			b.Fatal(err)
		}
	}
}
