package credential_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/credential/paper"
	"akashi/internal/fault"
	"akashi/internal/format/pades"
	"akashi/internal/pg"
	"akashi/internal/review"
)

// asked has the nurse ask for the PDF of the entry.
func asked(t *testing.T, w *casetest.World) credential.Held {
	t.Helper()
	h := held(t, w)
	if err := w.Wallet.Ask(t.Context(), w.Nurse, h.Entry.RegisterID, h.Entry.ID); err != nil {
		t.Fatal(err)
	}
	return h
}

// copiesOf counts the credential's PDF copies: all, and those that were completed.
func copiesOf(t *testing.T, w *casetest.World) (all, completed int) {
	t.Helper()
	err := w.DB.Superuser().QueryRow(t.Context(), `select count(*), count(signed_at) from credential_copy where form = 'pdf'`).Scan(&all, &completed)
	if err != nil {
		t.Fatal(err)
	}
	return all, completed
}

// TestDocument: from the asking to a file whose signature an independent program finds valid and whose text is the
// registered name; asking again makes no second one.
func TestDocument(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := asked(t, w)
	w.Work(t)
	for range 2 {
		asked(t, w)
	}
	w.Work(t)
	if all, completed := copiesOf(t, w); all != 1 || completed != 1 {
		t.Errorf("%d copies, %d completed, want one", all, completed)
	}
	c, d, err := w.Wallet.Download(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID)
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.Blobs.Open(ctx, *d.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil || int64(len(content)) != *d.Size {
		t.Fatalf("%d bytes, error %v", len(content), err)
	}
	path := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, run := range [][]string{{"qpdf", "--check", path}, {"pdfsig", "-nocert", path}, {"pdftotext", path, "-"}} {
		out, err := exec.CommandContext(ctx, run[0], run[1:]...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v\n%s", run, err, out)
		}
		for _, want := range map[string][]string{"pdfsig": {"Signature is Valid", "Total document signed", "ETSI.CAdES.detached"}, "pdftotext": {"見本　花子", "看護師籍に", c.PublicID}}[run[0]] {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s does not say %q:\n%s", run[0], want, out)
			}
		}
	}
	code, err := c.URL("https://check.example/w/")
	if err != nil {
		t.Fatal(err)
	}
	read, err := pades.Read(content)
	if err != nil || read.Credential != code {
		t.Errorf("our own reading: %+v, error %v", read, err)
	}
	if r := w.Verifier.CheckText(ctx, code); r.Verdict != "valid" {
		t.Errorf("the code in it is %s", r.Verdict)
	}
	if r := w.Verifier.CheckPDF(ctx, content); r.Verdict != "valid" || read.Copy == "" {
		t.Errorf("the document is %s %s, its record %q", r.Verdict, r.Reason, read.Copy)
	}
	var fetched int
	if err := w.DB.Superuser().QueryRow(ctx, `select count(*) from audit_event where act = 'credential.download' and outcome = 'pdf'`).Scan(&fetched); err != nil || fetched != 1 {
		t.Errorf("%d fetches recorded, error %v", fetched, err)
	}
}

// TestDocumentOfNobody: who has no business there finds nothing, and the refusal is recorded; no door changes what is made.
func TestDocumentOfNobody(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := asked(t, w)
	w.Work(t)
	stranger := w.Another(t, "stranger", casetest.Card())
	for name, try := range map[string]func() error{
		"ask": func() error { return w.Wallet.Ask(ctx, stranger, h.Entry.RegisterID, h.Entry.ID) },
		"look": func() error {
			_, _, err := w.Wallet.Document(ctx, stranger, h.Entry.RegisterID, h.Entry.ID)
			return err
		},
		"fetch": func() error {
			_, _, err := w.Wallet.Download(ctx, stranger, h.Entry.RegisterID, h.Entry.ID)
			return err
		},
		"elsewhere": func() error { return w.Wallet.Ask(ctx, w.Nurse, "no.register", h.Entry.ID) },
	} {
		if err := try(); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	var rows int
	other := pg.Person{ID: stranger.ID, Ref: w.Ref(stranger)}
	citizen := w.DB.As(pg.RoleCitizen)
	if err := citizen.InPerson(ctx, other, func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from credential_document`).Scan(&rows)
	}); err != nil || rows != 0 {
		t.Errorf("a stranger sees %d askings, error %v", rows, err)
	}
	if err := w.DB.As(pg.RoleWorker).InRegistrar(ctx, "pref-13", func(tx *pg.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from credential_document`).Scan(&rows)
	}); err != nil || rows != 0 {
		t.Errorf("another registrar's door shows %d askings, error %v", rows, err)
	}
	for _, sql := range []string{"update credential_document set failure = 'x'", "delete from credential_document", "insert into credential_document (sha256) values ('x')"} {
		err := citizen.InPerson(ctx, door(w), func(tx *pg.Tx) error { _, err := tx.Exec(ctx, sql); return err })
		if err == nil || !strings.Contains(err.Error(), "permission denied") {
			t.Errorf("%s: %v, want permission denied", sql, err)
		}
	}
}

// TestDocumentNotInForce: what is suspended is neither made nor handed out; once it is restored, it is handed out again.
func TestDocumentNotInForce(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	h := asked(t, w)
	w.Work(t)
	measure := func(kind string) {
		t.Helper()
		id, err := w.Office.ProposeMeasure(ctx, w.Keeper, review.Measure{Register: h.Entry.RegisterID, EntryID: h.Entry.ID, Ref: *h.Entry.PersonRef, Kind: kind, Reason: "試験", Who: casetest.Card()})
		if err != nil {
			t.Fatal(err)
		}
		w.Approve(t, id)
	}
	measure(review.MeasureSuspend)
	if _, _, err := w.Wallet.Download(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); !errors.Is(err, credential.NotInForce) || !errors.Is(err, fault.Conflict) {
		t.Errorf("fetching what is suspended: %v", err)
	}
	if err := w.Wallet.Ask(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); !errors.Is(err, credential.NotInForce) {
		t.Errorf("asking for what is suspended: %v", err)
	}
	measure(review.MeasureRestore)
	if _, _, err := w.Wallet.Download(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); err != nil {
		t.Errorf("fetching what was restored: %v", err)
	}
}

// TestDocumentFails: a signer that is away is tried again, and what was intended in vain is never handed out; a name that
// no font covers ends the asking with a message, and it may be asked for again.
func TestDocumentFails(t *testing.T) {
	t.Parallel()
	w := casetest.New(t)
	ctx := t.Context()
	w.Registered(t)
	seal, lay := w.Papers.Seal, w.Papers.Lay
	var away, odd atomic.Bool // set at once: a repeated job may run at any time
	away.Store(true)
	w.Papers.Lay = func(p paper.Paper) ([]byte, error) {
		if odd.Load() {
			p.Facts.HolderName = "見本　\U000F0000"
		}
		return lay(p)
	}
	w.Papers.Seal = func(c context.Context, p *pades.Prepared, raw []byte) ([]byte, error) {
		if away.Load() {
			return nil, fault.New(fault.Upstream, "", "the timestamp authority is away")
		}
		return seal(c, p, raw)
	}
	h := asked(t, w)
	w.Settle(t)
	state := func() *credential.Document {
		t.Helper()
		_, d, err := w.Wallet.Document(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := state()
	if !d.Awaited() {
		t.Fatalf("after a failure: %+v", d)
	}
	args := credential.DocumentArgs{RegisterID: d.RegisterID, DocumentID: d.ID.String()}
	if err := w.Papers.Make(ctx, args); !errors.Is(err, fault.Upstream) {
		t.Errorf("making it while the authority is away: %v", err)
	}
	odd.Store(true)
	away.Store(false)
	if err := w.Papers.Make(ctx, args); err != nil {
		t.Fatal(err)
	}
	if d = state(); d.Failure != "pdf.no_glyph" || d.Awaited() || d.Ready() {
		t.Errorf("a name that no font covers: %+v", d)
	}
	if _, completed := copiesOf(t, w); completed != 0 {
		t.Errorf("%d copies are completed", completed)
	}
	if _, _, err := w.Wallet.Download(ctx, w.Nurse, h.Entry.RegisterID, h.Entry.ID); !errors.Is(err, fault.NotFound) {
		t.Errorf("fetching what was not made: %v", err)
	}
	odd.Store(false)
	asked(t, w)
	w.Work(t)
	if d = state(); !d.Ready() {
		t.Errorf("asked again: %+v", d)
	}
	for range 2 { // a repeated job changes nothing
		if err := w.Papers.Make(ctx, credential.DocumentArgs{RegisterID: d.RegisterID, DocumentID: d.ID.String()}); err != nil {
			t.Error(err)
		}
	}
	if _, completed := copiesOf(t, w); completed != 1 {
		t.Errorf("%d copies are completed", completed)
	}
}
