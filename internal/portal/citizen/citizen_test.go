package citizen

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"akashi/internal/application"
	"akashi/internal/audit"
	"akashi/internal/clock"
	"akashi/internal/format/cose"
	"akashi/internal/format/jpki"
	"akashi/internal/payment"
	"akashi/internal/pg/pgtest"
	"akashi/internal/portal/fill"
	"akashi/internal/portal/ui/uitest"
	"akashi/internal/qualification"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestEveryWordingIsThere looks at the keys in the sources, and at those that are put together from codes.
func TestEveryWordingIsThere(t *testing.T) {
	words := uitest.Catalogue(t, Text, fill.Text)
	uitest.CheckCatalogue(t, words, ".", "../fill")
	uitest.CheckFaults(t, words)
	for _, key := range codedKeys() {
		if !words.Has(key) {
			t.Errorf("the catalogue has no %q", key)
		}
	}
}

// codedKeys are the keys whose last part is a code of a stage.
func codedKeys() (keys []string) {
	add := func(prefix string, codes ...string) {
		for _, c := range codes {
			keys = append(keys, prefix+c)
		}
	}
	for _, s := range application.States {
		add("", "state."+string(s), "standing."+string(s), "act."+string(s))
		if (standing{Key: string(s)}).hasDated() {
			add("standing."+string(s), ".undated")
		}
	}
	for _, s := range payment.States {
		add("payment.", string(s))
	}
	for _, e := range []qualification.Effect{qualification.EffectRegister, qualification.EffectCancel} {
		add("step.", steps(e, true, true)...)
	}
	for _, r := range loginReasons() {
		add("login.failed."+r, "", ".todo")
	}
	for _, r := range signReasons() {
		add("", "signature.refused."+r, "signature.todo."+todoOf(r))
	}
	for _, kind := range []string{"started", "submitted", "paid", "correction_requested", "corrected", "answered_resident", "answered_family",
		"registered", "rejected", "withdrawn", "expired"} {
		add("event.kind.", kind)
	}
	for _, kind := range []string{"submitted", "paid", "correction_requested", "corrected", "registered", "rejected", application.EntryChanged, "withdrawn", "expired"} {
		add("notice."+kind, "", ".text")
	}
	for _, info := range audit.Acts() {
		if info.Looked {
			add("", info.Key())
		}
	}
	for _, label := range cose.Labels() {
		if label != cose.QualificationID && label != cose.KindCode && label != cose.HolderCode {
			add("credential.label.", label)
		}
	}
	for _, s := range []string{"valid", "making", "none", "suspended", "revoked", "cancelled"} {
		add("credential.state.", s)
	}
	add("credential.advice.", "none", "suspended", "revoked", "cancelled")
	add("function.name.", qualification.Functions...)
	add("function.instead.", qualification.Functions...)
	add("fee.kind.", string(qualification.FeeTax), string(qualification.FeeFee))
	return keys
}

// TestEverySignatureReasonHasItsPage compares the pages with the verifier's reasons. Faults of our own anchors are none
// of the visitor's: they are answered as errors of ours.
func TestEverySignatureReasonHasItsPage(t *testing.T) {
	known := map[string]bool{}
	for _, r := range signReasons() {
		known[r] = true
	}
	for _, r := range []jpki.Reason{jpki.MalformedCertificate, jpki.UnknownCritical, jpki.WrongAlgorithm, jpki.WeakKey, jpki.UnknownIssuer,
		jpki.ForgedCertificate, jpki.NotEndEntity, jpki.WrongPolicy, jpki.WrongKeyUsage, jpki.NotYetValid, jpki.Expired, jpki.MalformedSAN,
		jpki.NoParticulars, jpki.MalformedAlt, jpki.AltLength, jpki.BadBirthDate, jpki.BadSex, jpki.BadSignature, jpki.BareDigest,
		jpki.NoCRLPoint, jpki.CRLUnavailable, jpki.CRLMalformed, jpki.CRLForged, jpki.CRLOtherPoint, jpki.CRLStale, jpki.Revoked,
		jpki.DifferentPerson, jpki.DifferentAddress} {
		if !known[string(r)] {
			t.Errorf("reason %s has no page", r)
		}
	}
}

// TestEqualLooksAreOneLine: what differs in its time alone, within half an hour, is one line with all of it inside.
func TestEqualLooksAreOneLine(t *testing.T) {
	noon := time.Date(2026, 12, 1, 12, 0, 0, 0, clock.JST)
	look := func(minutes int, why string) lookLine {
		at := noon.Add(-time.Duration(minutes) * time.Minute)
		return lookLine{When: at.Format("15:04"), Who: "a body", Why: why, Each: []oneLook{{When: at.Format("15:04"), at: at}}}
	}
	var lines []lookLine
	for _, l := range []lookLine{look(0, "review"), look(0, "review"), look(30, "review"), look(61, "review"), look(62, "inquiry"), look(63, "review")} {
		lines = fold(lines, l)
	}
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%s %s %d", l.When, l.Why, len(l.Each)))
	}
	want := []string{"11:30–12:00 review 3", "10:59 review 1", "10:58 inquiry 1", "10:57 review 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
