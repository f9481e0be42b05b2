package casetest

import (
	"bytes"
	"fmt"
	"testing"

	"akashi/internal/credential"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
)

// Sheet is an unsigned document of one empty page.
func Sheet() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var offsets []int
	for i, o := range []string{"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>"} {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	b.WriteString("xref\n0 4\n0000000000 65535 f \n")
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", start)
	return b.Bytes()
}

// Document makes a signed document of the nurse's credential, as the citizen portal does. change may alter what is signed.
func (w *World) Document(t testing.TB, change func(*pades.Options)) []byte {
	t.Helper()
	held, err := w.Wallet.List(t.Context(), w.Nurse)
	if err != nil {
		t.Fatal(err)
	}
	c := held[0].Credential
	url, err := c.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	var prepared *pades.Prepared
	request := credential.CopyRequest{Form: credential.PDF, Compose: func(at credential.Composing) ([]byte, error) {
		o := pades.Options{Chain: at.Issuer.Chain, At: at.Now, Name: at.Issuer.Name.JA, Credential: url, Copy: at.CopyID.String(), Status: at.Status.Place()}
		if change != nil {
			change(&o)
		}
		prepared, err = pades.Prepare(Sheet(), o)
		if err != nil {
			return nil, err
		}
		return prepared.ToSign, nil
	}}
	citizen, door := w.DB.As(pg.RoleCitizen), pg.Person{ID: w.Nurse.ID, Ref: w.Ref(w.Nurse)}
	var made *credential.Copy
	var toSign []byte
	err = citizen.InPerson(t.Context(), door, func(tx *pg.Tx) (err error) {
		made, toSign, err = w.Issuer.IntendCopy(t.Context(), tx, c, request)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.Issuer.Sign(t.Context(), made.KID, toSign)
	if err != nil {
		t.Fatal(err)
	}
	sealer := credential.Sealer{DB: citizen}
	document, err := sealer.Seal(t.Context(), prepared, signature)
	if err != nil {
		t.Fatal(err)
	}
	err = citizen.InPerson(t.Context(), door, func(tx *pg.Tx) error { return w.Issuer.CompleteCopy(t.Context(), tx, made, signature) })
	if err != nil {
		t.Fatal(err)
	}
	return document
}
