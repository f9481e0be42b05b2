package verification_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
	"akashi/internal/verification"
)

// The result of a document is that of the credential inside, at every state; a document that is not genuine says why.
func TestCheckPDF(t *testing.T) {
	t.Parallel()
	w, url := issued(t)
	document := w.Document(t, nil)
	check := func(document []byte) verification.Result { return w.Verifier.CheckPDF(t.Context(), document) }
	if r := check(document); r.Verdict != verification.Valid || r.Facts[cose.HolderName] == "" || r.Reason != "" {
		t.Errorf("a genuine document: %+v", r)
	}
	unknownCopy := bytes.Replace(document, []byte("AKSH_Copy ("), []byte("AKSH_Copy (0"), 1)
	for name, c := range map[string]struct {
		document []byte
		want     verification.Verdict
		reason   string
	}{
		"no PDF":                 {[]byte(url), verification.Unreadable, string(pades.Malformed)},
		"not signed":             {casetest.Sheet(), verification.Unreadable, string(pades.NotSigned)},
		"changed":                {bytes.Replace(document, []byte("595 842"), []byte("595 843"), 1), verification.Tampered, string(pades.WrongDigest)},
		"more behind it":         {append(bytes.Clone(document), "9 0 obj null endobj"...), verification.Unreadable, string(pades.Malformed)},
		"another record named":   {unknownCopy, verification.Tampered, string(pades.PartlySigned)},
		"without a credential":   {w.Document(t, func(o *pades.Options) { o.Credential = "" }), verification.Unreadable, verification.NoCredential},
		"without a record":       {w.Document(t, func(o *pades.Options) { o.Copy = "" }), verification.UnknownIssuer, verification.NotRecorded},
		"record of another":      {w.Document(t, func(o *pades.Options) { o.Copy = pg.NewID().String() }), verification.UnknownIssuer, verification.NotRecorded},
		"a spoilt credential":    {w.Document(t, func(o *pades.Options) { o.Credential = bent(t, url) }), verification.Tampered, ""},
		"a document of a friend": {forged(t, w, url), verification.UnknownIssuer, verification.NotRecorded},
	} {
		if r := check(c.document); r.Verdict != c.want || r.Reason != c.reason || r.Facts != nil {
			t.Errorf("%s: %+v, want %s for %q", name, r, c.want, c.reason)
		}
	}
	exec(t, w, `update credential set prior_state = state, state = 'suspended' where state = 'valid'`)
	if r := check(document); r.Verdict != verification.Suspended {
		t.Errorf("suspended: %+v", r)
	}
	exec(t, w, `update credential set prior_state = state, state = 'valid' where state = 'suspended'`)
	exec(t, w, `update credential_copy set ended_at = signed_at where form = 'pdf'`)
	if r := check(document); r.Verdict != verification.Revoked {
		t.Errorf("a copy that was withdrawn: %+v", r)
	}
	exec(t, w, `update signing_key set distrusted_at = not_before where purpose = 'document'`)
	if r := check(document); r.Verdict != verification.UnknownIssuer || r.Reason != verification.NotRecorded {
		t.Errorf("a key that is not trusted any more: %+v", r)
	}
}

func exec(t testing.TB, w *casetest.World, sql string) {
	t.Helper()
	if _, err := w.DB.Superuser().Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}

// Without the service a document is checked by published keys; whether the credential is in force cannot be told so.
func TestCheckPDFOffline(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	document, now := w.Document(t, nil), w.Clock.Now()
	documents := parsed(t, w).For(credential.ForDocument)
	placeless := w.Document(t, func(o *pades.Options) { o.Status = "" })
	elsewherePlace := w.Document(t, func(o *pades.Options) { o.Status = casetest.Site + "/status/JKSA/1#5" })
	list, _ := published(t, w)
	exec(t, w, `update credential set prior_state = state, state = 'suspended' where state = 'valid'`)
	exec(t, w, `insert into status_need (register_id, list_no, id, at) select register_id, list_no, gen_random_uuid(), now() from status_list`)
	later, _ := published(t, w)
	mdocKeys := slices.Clone(documents)
	for i := range mdocKeys {
		mdocKeys[i].Purpose = "mdoc"
	}
	distrusted := slices.Clone(documents)
	for i := range distrusted {
		distrusted[i].DistrustedAt = &now
	}
	elsewhere := slices.Clone(documents)
	for i := range elsewhere {
		elsewhere[i].Registers = []string{"XXXX"}
	}
	for name, c := range map[string]struct {
		document   []byte
		documents  verification.KeySet
		at         time.Time
		want       verification.Verdict
		untampered verification.Outcome
		reason     string
		list       string
	}{
		"in force by its list":           {document, documents, now, verification.Valid, verification.Yes, "", list},
		"suspended by its list":          {document, documents, now, verification.Suspended, verification.Yes, "", later},
		"without its list":               {document, documents, now, verification.CannotTell, verification.Yes, string(verification.NoList), ""},
		"by a list that has ended":       {document, documents, now.AddDate(0, 0, 2), verification.CannotTell, verification.Yes, string(verification.EndedList), list},
		"without a place":                {placeless, documents, now, verification.CannotTell, verification.Yes, string(verification.NoPlace), list},
		"at a place of another register": {elsewherePlace, documents, now, verification.UnknownIssuer, verification.Unknown, string(verification.WrongRegister), list},
		"key for mobile documents":       {document, mdocKeys, now, verification.CannotTell, verification.Unknown, string(verification.UnknownKey), list},
		"changed":                        {bytes.Replace(document, []byte("595 842"), []byte("595 843"), 1), documents, now, verification.Tampered, verification.No, string(pades.WrongDigest), list},
		"key not in the set":             {document, nil, now, verification.CannotTell, verification.Unknown, string(verification.UnknownKey), list},
		"distrusted key":                 {document, distrusted, now, verification.UnknownIssuer, verification.Unknown, string(verification.Distrusted), list},
		"key of another register":        {document, elsewhere, now, verification.UnknownIssuer, verification.Unknown, string(verification.WrongRegister), list},
		"certificate has ended":          {document, documents, now.AddDate(3, 0, 0), verification.CannotTell, verification.Unknown, string(pades.ExpiredCertificate), list},
		"not signed":                     {casetest.Sheet(), documents, now, verification.Unreadable, verification.Unknown, string(pades.NotSigned), list},
	} {
		trust := &verification.Trust{Keys: slices.Concat(keySet(t, w).For(credential.ForCredential, credential.ForStatus), c.documents)}
		if c.list != "" {
			if _, err := trust.Keep([]byte(c.list)); err != nil {
				t.Fatal(err)
			}
		}
		r, asOf := trust.CheckPDF(c.document, c.at)
		if r.Verdict != c.want || r.Untampered != c.untampered || r.Reason != c.reason || (r.Facts != nil) != (c.untampered == verification.Yes) || asOf.IsZero() != (r.Status == verification.Unknown) {
			t.Errorf("%s: %+v as of %v", name, r, asOf)
		}
	}
}

// published publishes the status lists of a world and returns the first of the nurses' register.
func published(t testing.TB, w *casetest.World) (jwt string, cwt []byte) {
	t.Helper()
	p := credential.NewPublisher(credential.PublisherConfig{DB: w.DB.As(pg.RoleStatus), Catalogue: w.Catalogue, Sign: w.Issuer.Sign, StatusBase: casetest.Site + "/status"})
	if _, err := p.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	reg, ok := w.Catalogue.RegisterByCode("KGMH")
	if !ok {
		t.Fatal("no such register")
	}
	list, err := credential.CurrentList(t.Context(), w.DB.As(pg.RolePublic), reg.ID, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	return list.JWT, list.CWT
}

// forged is signed by somebody with a certificate of the same authority, over a record that exists.
func forged(t testing.TB, w *casetest.World, url string) []byte {
	t.Helper()
	var id, kid string
	err := w.DB.Superuser().QueryRow(t.Context(), `select id::text from credential_copy where form = 'pdf' limit 1`).Scan(&id)
	if err != nil {
		t.Fatal(err)
	}
	var chain [][]byte
	err = w.DB.Superuser().QueryRow(t.Context(), `select kid, chain from signing_key where purpose = 'credential' and registrar_id = 'mhlw'`).Scan(&kid, &chain)
	if err != nil {
		t.Fatal(err)
	}
	var certs []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, c)
	}
	document, err := pades.Sign(t.Context(), casetest.Sheet(), pades.Options{Chain: certs, At: time.Now(), Credential: url, Copy: id},
		func(ctx context.Context, toSign []byte) ([]byte, error) { return w.Issuer.Sign(ctx, kid, toSign) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	return document
}
