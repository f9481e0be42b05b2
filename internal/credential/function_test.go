package credential_test

import (
	"errors"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/fault"
	"akashi/internal/pg"
	"akashi/internal/qualification"
)

// TestFunctionsOfCopies: from the day on which a register ceases to use a function, nothing is made by it, even by a process
// that has not heard; every other form is, and a code on the screen always.
func TestFunctionsOfCopies(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	w.Registered(t)
	c := held(t, w).Credential
	forms := map[credential.Form]string{credential.PDF: qualification.FunctionPDF, credential.QRCompact: qualification.FunctionCode,
		credential.SDJWT: qualification.FunctionWallet, credential.MDoc: qualification.FunctionWallet, credential.VC: qualification.FunctionWallet, credential.QRScreen: ""}
	ended := map[string]bool{}
	made := func() {
		t.Helper()
		for f, function := range forms {
			req := credential.CopyRequest{Form: f}
			if f == credential.QRScreen {
				end := w.Clock.Now().Add(credential.ScreenLife)
				req.ExpiresAt = &end
			}
			_, _, err := copied(t, w, c, req)
			switch {
			case ended[function] && (!errors.Is(err, credential.NotOffered) || !errors.Is(err, fault.Conflict)):
				t.Errorf("%s after the end of %s: %v", f, function, err)
			case !ended[function] && err != nil:
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	made()
	for _, f := range []string{qualification.FunctionPDF, qualification.FunctionWallet, qualification.FunctionCode} {
		w.Unuse(t, f)
		ended[f] = true
		made()
	}
}

// TestWhatWasHandedOutStays: a code and a PDF that were made before the end of their functions are shown, fetched and found
// valid afterwards; new ones are refused by their name.
func TestWhatWasHandedOutStays(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := asked(t, w)
	w.Work(t)
	register, entry := h.Entry.RegisterID, h.Entry.ID
	before, err := w.Wallet.Compact(ctx, w.Nurse, register, entry, nil, "https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	w.Unuse(t, qualification.FunctionPDF, qualification.FunctionCode)
	if _, err := w.Wallet.Compact(ctx, w.Nurse, register, entry, nil, "https://check.example/w/"); !errors.Is(err, credential.NotOffered) {
		t.Errorf("another code: %v", err)
	}
	if err := w.Wallet.Ask(ctx, w.Nurse, register, entry); err != nil {
		t.Errorf("asking for the PDF that is there: %v", err)
	}
	if _, d, err := w.Wallet.Download(ctx, w.Nurse, register, entry); err != nil || !d.Ready() {
		t.Errorf("the PDF made before: %+v, %v", d, err)
	}
	copies, err := w.Wallet.Copies(ctx, w.Nurse, register, entry)
	if err != nil || len(copies) != 2 {
		t.Fatalf("%d copies: %v", len(copies), err)
	}
	if code, err := copies[0].Code("https://check.example/w/"); err != nil || code.Text != before.Text {
		t.Errorf("the code made before is not shown: %v", err)
	}
	if r := w.Verifier.CheckText(ctx, before.Text); r.Verdict != "valid" {
		t.Errorf("the code made before is %s", r.Verdict)
	}
	if _, err := w.Wallet.Screen(ctx, w.Nurse, register, entry, nil, "https://check.example/w/"); err != nil {
		t.Errorf("on the screen: %v", err)
	}
}

// TestPDFsNobodyMakes: an asking is refused; one that was made before the end is not fulfilled after it, and says why.
func TestPDFsNobodyMakes(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := held(t, w)
	w.Unuse(t, qualification.FunctionPDF)
	before := pg.NewID() // an asking whose job comes only now
	if _, err := w.DB.Superuser().Exec(ctx, `insert into credential_document (register_id, id, registrar_id, credential_id, person_ref, asked_at)
		values ($1, $2, 'mhlw', $3, $4, $5)`, h.Entry.RegisterID, before, h.Credential.ID, w.Ref(w.Nurse), w.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if err := w.Papers.Make(ctx, credential.DocumentArgs{RegisterID: h.Entry.RegisterID, DocumentID: before.String()}); err != nil {
		t.Fatal(err)
	}
	if all, _ := copiesOf(t, w); all != 0 {
		t.Errorf("%d copies were intended", all)
	}
	_, d, err := w.Wallet.Document(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID)
	if err != nil || d == nil || d.Failure != string(credential.NotOffered) {
		t.Fatalf("%+v, %v", d, err)
	}
	if err := w.Wallet.Ask(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); !errors.Is(err, credential.NotOffered) || !errors.Is(err, fault.Conflict) {
		t.Errorf("asked again: %v", err)
	}
}
