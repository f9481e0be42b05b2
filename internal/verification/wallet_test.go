package verification_test

import (
	"akashi/internal/format/formattest"
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/credential/form"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/mdoc"
	"akashi/internal/format/sdjwt"
	"akashi/internal/pg"
	"akashi/internal/review"
	"akashi/internal/verification"
)

// handed is a copy for a wallet as the holder would get it: intent, signature with no transaction open, completion.
func handed(t *testing.T, w *casetest.World, c *credential.Credential, f credential.Form) string {
	t.Helper()
	ctx := t.Context()
	door := pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}
	db := w.DB.As(pg.RoleCitizen)
	var made *credential.Copy
	var toSign []byte
	var sd *sdjwt.Unsigned
	compose := func(at credential.Composing) (_ []byte, err error) {
		extra := form.Copy{ID: at.CopyID.String(), Site: "https://check.example", Now: at.Now}
		if f == credential.VC {
			return form.VC(at.Facts, at.Issuer, at.Status, extra)
		}
		if sd, err = form.SDJWT(at.Facts, at.Issuer, at.Status, extra); err != nil {
			return nil, err
		}
		return sd.ToSign, nil
	}
	in := func(do func(context.Context, *pg.Tx) error) {
		if err := db.InPerson(ctx, door, func(tx *pg.Tx) error { return do(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
	}
	in(func(ctx context.Context, tx *pg.Tx) (err error) {
		made, toSign, err = w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: f, Compose: compose})
		return err
	})
	signature := formattest.Must[[]byte](t)(w.Issuer.Sign(ctx, made.KID, toSign))
	in(func(ctx context.Context, tx *pg.Tx) error { return w.Issuer.CompleteCopy(ctx, tx, made, signature) })
	if f == credential.VC {
		return formattest.Must[string](t)(jws.Assemble(toSign, signature))
	}
	return formattest.Must[string](t)(sd.Assemble(signature))
}

// TestWalletFormsFollowTheRegister: what a wallet shows ends in the same result as the QR code, whatever happens to the
// entry behind it.
func TestWalletFormsFollowTheRegister(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	held := formattest.Must[[]credential.Held](t)(w.Wallet.List(ctx, w.Nurse))
	c := held[0].Credential
	sd, vc := handed(t, w, c, credential.SDJWT), handed(t, w, c, credential.VC)
	part := formattest.Must[string](t)(sdjwt.Present(sd, sdjwt.TypeVC, func(p sdjwt.Path) bool { return p[0] == "name" }, nil))
	texts := map[string]string{"SD-JWT VC": sd, "a part of it": part, "W3C credential": vc}
	see := func(when string, want verification.Verdict) {
		t.Helper()
		for name, text := range texts {
			r := w.Verifier.CheckText(ctx, "  "+text+"\n")
			if r.Verdict != want || r.Untampered != verification.Yes || r.Issuer != verification.Yes || (r.Status == verification.Yes) != (want == verification.Valid) {
				t.Errorf("%s, %s: %+v, want %s", name, when, r, want)
			}
			if r.Facts[cose.HolderName] != "見本　花子" || r.Facts[cose.QualificationName] != "看護師" || r.Facts[cose.HolderBirthDate] != "" || (r.Facts[cose.RegistrationNumber] != "") != (text != part) {
				t.Errorf("%s, %s: facts %v", name, when, r.Facts)
			}
		}
	}
	see("at first", verification.Valid)

	stranger := formattest.Key(t)
	middle := strings.Index(vc, ".") + 60
	toSign := vc[:strings.LastIndex(vc, ".")]
	elsewhere := newKept(t)
	for name, text := range map[string]string{
		"tampered with":               vc[:middle] + "AAAA" + vc[middle+4:],
		"tampered disclosure":         strings.TrimSuffix(sd, "~") + "A~",
		"signed by a stranger":        formattest.Must[string](t)(jws.Assemble([]byte(toSign), formattest.Must[[]byte](t)(formattest.Signer(stranger)([]byte(toSign))))),
		"the mark of a form, no more": "eyJhbGciOiJub25lIn0.e30.~",
	} {
		if r := w.Verifier.CheckText(ctx, text); r.Verdict != verification.Tampered || r.Facts != nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
	// A register that we do not keep, and a place that nobody has taken at one of ours.
	for name, text := range map[string]string{
		"of nobody's register": elsewhere.sdjwt(t, "C-1", elsewhere.credential, 0, nil),
		"of a free place": formattest.Must[string](t)(func() (string, error) {
			facts := formattest.Must[form.Facts](t)(w.Issuer.FactsOf(c))
			now := w.Clock.Now()
			toSign := formattest.Must[[]byte](t)(form.VC(facts, form.Issuer{URI: "https://check.example/issuers/mhlw", KID: "mhlw-test"},
				form.StatusRef{URI: "https://check.example/status/" + facts.RegisterCode + "/1", Index: 1<<20 - 1, ListNo: 1}, form.Copy{Site: "https://check.example", Now: now}))
			return jws.Assemble(toSign, formattest.Must[[]byte](t)(w.Issuer.Sign(ctx, "mhlw-test", toSign)))
		}()),
	} {
		if r := w.Verifier.CheckText(ctx, text); r.Verdict != verification.UnknownIssuer || r.Issuer != verification.No {
			t.Errorf("%s: %+v", name, r)
		}
	}
	e := held[0].Entry
	for _, m := range []struct {
		kind string
		want verification.Verdict
	}{{review.MeasureSuspend, verification.Suspended}, {review.MeasureRestore, verification.Valid}, {review.MeasureRevoke, verification.Revoked}} {
		w.Measure(t, e.RegisterID, e.ID, *e.PersonRef, m.kind)
		see(m.kind, m.want)
	}
}

// TestOnlyWhatIsOnRecord: what the registrar's own key has signed at a copy's own place, and the register has not, is nobody's, in every
// form; a stolen key issues nothing.
func TestOnlyWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	c := formattest.Must[[]credential.Held](t)(w.Wallet.List(ctx, w.Nurse))[0].Credential
	key := formattest.Key(t)
	for _, f := range []credential.Form{credential.SDJWT, credential.VC, credential.MDoc} {
		text := func(at credential.Composing) (toSign []byte, finish func([]byte) string) {
			extra := form.Copy{ID: at.CopyID.String(), Site: "https://check.example", Now: at.Now, Holder: &key.PublicKey}
			switch f {
			case credential.SDJWT:
				u := formattest.Must[*sdjwt.Unsigned](t)(form.SDJWT(at.Facts, at.Issuer, at.Status, extra))
				return u.ToSign, func(s []byte) string { return formattest.Must[string](t)(u.Assemble(s)) }
			case credential.VC:
				toSign := formattest.Must[[]byte](t)(form.VC(at.Facts, at.Issuer, at.Status, extra))
				return toSign, func(s []byte) string { return formattest.Must[string](t)(jws.Assemble(toSign, s)) }
			}
			draft := formattest.Must[*mdoc.Draft](t)(formattest.Must[mdoc.Issue](t)(form.MDoc(at.Facts, at.Issuer, at.Status, extra)).Compose(rand.Reader))
			return draft.ToSign, func(s []byte) string { return verification.MDocText(formattest.Must[[]byte](t)(draft.Complete(s))) }
		}
		door, db := pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}, w.DB.As(pg.RoleCitizen)
		var made *credential.Copy
		var at credential.Composing
		var issued []byte
		var finish func([]byte) string
		err := db.InPerson(ctx, door, func(tx *pg.Tx) (err error) {
			made, issued, err = w.Issuer.IntendCopy(ctx, tx, c, credential.CopyRequest{Form: f, Compose: func(composing credential.Composing) (toSign []byte, _ error) {
				at = composing
				toSign, finish = text(at)
				return toSign, nil
			}})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		signature := formattest.Must[[]byte](t)(w.Issuer.Sign(ctx, made.KID, issued))
		if err := db.InPerson(ctx, door, func(tx *pg.Tx) error { return w.Issuer.CompleteCopy(ctx, tx, made, signature) }); err != nil {
			t.Fatal(err)
		}
		if r := w.Verifier.CheckText(ctx, finish(signature)); r.Verdict != verification.Valid || r.Facts[cose.HolderName] != "見本　花子" {
			t.Errorf("%s as it was issued: %+v", f, r)
		}
		at.Facts.HolderName = "別人　次郎"
		at.Facts.Labels = maps.Clone(at.Facts.Labels)
		at.Facts.Labels[cose.HolderName] = at.Facts.HolderName
		toSign, forged := text(at)
		if r := w.Verifier.CheckText(ctx, forged(formattest.Must[[]byte](t)(w.Issuer.Sign(ctx, made.KID, toSign)))); r.Verdict != verification.UnknownIssuer || r.Issuer != verification.No || r.Facts != nil {
			t.Errorf("%s for another, signed outside the register: %+v", f, r)
		}
	}
}
