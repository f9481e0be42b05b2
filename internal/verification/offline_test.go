package verification_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"crypto/ecdsa"
	"slices"
	"testing"
	"time"

	"akashi/internal/casetest"
	"akashi/internal/credential"
	"akashi/internal/format/cose"
	"akashi/internal/format/statuslist"
	"akashi/internal/verification"
)

// compact is a compact code; at is its place, nil for a code that is for a screen.
func (k *kept) compact(t *testing.T, kid string, key *ecdsa.PrivateKey, at *cose.Place, expires time.Time) string {
	t.Helper()
	m := cose.Compact{KID: kid, Status: at, IssuedAt: walletNow().Add(-time.Minute), ExpiresAt: expires, Facts: map[string]string{
		cose.QualificationName: "看護師", cose.HolderName: "海事\u3000太郎", cose.CertificateID: "KNGS0123456789T", cose.IssuerName: "厚生労働大臣"}}
	toSign := formattest.Must[[]byte](t)(m.EncodeCompact())
	m.Signature = formattest.Must[[]byte](t)(formattest.Signer(key)(toSign))
	return formattest.Must[string](t)(cose.CompactURL("https://check.example/w/", formattest.Must[[]byte](t)(m.Message())))
}

// TestOfflineCompact: a compact code is checked by the list of its register; one for a screen tells by itself, until it runs
// out.
func TestOfflineCompact(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	made := walletNow().Add(-time.Hour)
	fresh := k.list(t, "S-1", k.status, made)
	place := func(index int) *cose.Place { return &cose.Place{List: 1, Index: index} }
	soon, past := walletNow().Add(time.Minute), walletNow().Add(-time.Second)
	never := time.Time{}
	for _, c := range []struct {
		name string
		text string
		list string
		want verification.Verdict
		why  verification.Refusal
		asOf time.Time
	}{
		{"in force", k.compact(t, "C-1", k.credential, place(0), never), fresh, verification.Valid, "", made},
		{"revoked", k.compact(t, "C-1", k.credential, place(1), never), fresh, verification.Revoked, "", made},
		{"suspended", k.compact(t, "C-1", k.credential, place(2), never), fresh, verification.Suspended, "", made},
		{"revoked, and its time has passed", k.compact(t, "C-1", k.credential, place(1), past), fresh, verification.Revoked, "", made},
		{"in force, and its time has passed", k.compact(t, "C-1", k.credential, place(0), past), fresh, verification.RunOut, "", made},
		{"in another list", k.compact(t, "C-1", k.credential, &cose.Place{List: 2}, never), fresh, verification.CannotTell, verification.NoList, never},
		{"no list", k.compact(t, "C-1", k.credential, place(0), never), "", verification.CannotTell, verification.NoList, never},
		{"a list that has ended", k.compact(t, "C-1", k.credential, place(0), never), k.list(t, "S-1", k.status, made.AddDate(0, 0, -1)), verification.CannotTell, verification.EndedList, never},
		{"a list signed by the key for credentials", k.compact(t, "C-1", k.credential, place(0), never), k.list(t, "C-1", k.credential, made), verification.CannotTell, verification.BadList, never},
		{"for a screen", k.compact(t, "C-1", k.credential, nil, soon), "", verification.Valid, "", walletNow().Add(-time.Minute)},
		{"for a screen, run out", k.compact(t, "C-1", k.credential, nil, past), fresh, verification.RunOut, "", walletNow().Add(-time.Minute)},
		{"signed by the key for lists", k.compact(t, "S-1", k.status, place(0), never), fresh, verification.UnknownIssuer, verification.WrongPurpose, never},
		{"for a screen, signed by the key for lists", k.compact(t, "S-1", k.status, nil, soon), fresh, verification.UnknownIssuer, verification.WrongPurpose, never},
		{"signed by another registrar", k.compact(t, "C-2", k.other, place(0), never), fresh, verification.UnknownIssuer, verification.WrongRegister, never},
		{"a key that is not kept", k.compact(t, "C-9", k.other, place(0), never), fresh, verification.CannotTell, verification.UnknownKey, never},
		{"signed by a stranger", k.compact(t, "C-1", k.other, place(0), never), fresh, verification.Tampered, "", never},
	} {
		r, asOf := k.trust(t, c.list, nil).Check(c.text, walletNow())
		if r.Verdict != c.want || r.Reason != string(c.why) || !asOf.Equal(c.asOf) || (r.Status == verification.Yes) != (c.want == verification.Valid) {
			t.Errorf("%s: %+v as of %v, want %s for %q as of %v", c.name, r, asOf, c.want, c.why, c.asOf)
		}
	}
	two := k.trust(t, fresh, nil)
	other := formattest.Must[*statuslist.List](t)(statuslist.New(1024, 2))
	jwt, _, err := other.Sign(statuslist.Claims{Subject: "https://elsewhere.example/status/KNGS/1", IssuedAt: made, ExpiresAt: made.Add(24 * time.Hour)},
		statuslist.Signer{KID: "S-1", Sign: formattest.Signer(k.status)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Keep([]byte(jwt)); err != nil {
		t.Fatal(err)
	}
	if r, _ := two.Check(k.compact(t, "C-1", k.credential, place(0), never), walletNow()); r.Verdict != verification.CannotTell || r.Reason != string(verification.NoList) {
		t.Errorf("two lists that both could be meant: %+v", r)
	}
}

// TestOfflineMDoc: a mobile document by the key of its certificate, which must be one for mobile documents of the registrar
// that keeps the register, and by its list, as JWT or CWT.
func TestOfflineMDoc(t *testing.T) {
	t.Parallel()
	w, _ := issued(t)
	holder := formattest.Key(t)
	raw := w.MDoc(t, &holder.PublicKey)
	jwt, cwt := published(t, w)
	exec(t, w, `update credential set prior_state = state, state = 'suspended' where state = 'valid'`)
	exec(t, w, `insert into status_need (register_id, list_no, id, at) select register_id, list_no, gen_random_uuid(), now() from status_list`)
	suspended, _ := published(t, w)
	now := w.Clock.Now()
	set := parsed(t, w)
	with := func(change func(*verification.PublishedKey)) verification.KeySet {
		bent := slices.Clone(set)
		for i := range bent {
			if bent[i].Purpose == string(credential.ForMDoc) {
				change(&bent[i])
			}
		}
		return bent
	}
	at := now.Add(-time.Minute)
	for name, c := range map[string]struct {
		set  verification.KeySet
		list string
		now  time.Time
		want verification.Verdict
		why  verification.Refusal
	}{
		"by a JWT":                 {set, jwt, now, verification.Valid, ""},
		"by a CWT":                 {set, string(cwt), now, verification.Valid, ""},
		"suspended":                {set, suspended, now, verification.Suspended, ""},
		"no list":                  {set, "", now, verification.CannotTell, verification.NoList},
		"before its time":          {set, jwt, now.AddDate(0, 0, -1), verification.CannotTell, verification.BadList},
		"ended":                    {set, jwt, now.AddDate(3, 0, 0), verification.Expired, ""},
		"a key that is not kept":   {set.For(credential.ForStatus), jwt, now, verification.CannotTell, verification.UnknownKey},
		"a key for credentials":    {with(func(k *verification.PublishedKey) { k.Purpose = "credential" }), jwt, now, verification.CannotTell, verification.UnknownKey},
		"a distrusted key":         {with(func(k *verification.PublishedKey) { k.DistrustedAt = &at }), jwt, now, verification.UnknownIssuer, verification.Distrusted},
		"a key of other registers": {with(func(k *verification.PublishedKey) { k.Registers = []string{"JKSA"} }), jwt, now, verification.UnknownIssuer, verification.WrongRegister},
	} {
		trust := &verification.Trust{Keys: c.set}
		if c.list != "" {
			if _, err := trust.Keep([]byte(c.list)); err != nil {
				t.Fatal(err)
			}
		}
		r, asOf := trust.Check(verification.MDocText(raw), c.now)
		if r.Verdict != c.want || r.Reason != string(c.why) || asOf.IsZero() != (r.Status == verification.Unknown || c.want == verification.Expired) {
			t.Errorf("%s: %+v as of %v, want %s for %q", name, r, asOf, c.want, c.why)
		}
		if r.Verdict == verification.Valid && r.Facts[cose.HolderName] != "見本　花子" {
			t.Errorf("%s: facts %v", name, r.Facts)
		}
	}
	changed := bytes.Replace(raw, []byte("見本"), []byte("見木"), 1)
	if r, _ := (&verification.Trust{Keys: set}).Check(verification.MDocText(changed), casetest.Start()); r.Verdict != verification.Tampered || r.Facts != nil {
		t.Errorf("changed: %+v", r)
	}
}
