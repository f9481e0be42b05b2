package identity_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"akashi/internal/connector/identity"
	"akashi/internal/fault"
	"akashi/internal/format/cms"
	"akashi/internal/format/jcs"
	"akashi/internal/format/jpki"
	"akashi/internal/govsim/ca"
)

func TestCitizenLogin(t *testing.T) {
	w := newWorld(t, nil)
	login := w.login(t, "hanako", "1234")
	want := identity.Particulars{Name: "佐賀　花󠄀子", Address: "佐賀県佐賀市城内一丁目１番５９号", BirthDate: "2003-04-05", Sex: "2"}
	if login.Particulars != want || login.ACR != "aal3" || login.Issuer != w.origin+"/api/realms/main" || login.Subject == "" {
		t.Errorf("%+v", login)
	}
	if age := w.clock.Now().Sub(login.AuthTime); age < 0 || age > time.Minute {
		t.Errorf("logged in %v ago", age)
	}
	if again := w.login(t, "hanako", "1234"); again.Subject != login.Subject {
		t.Error("the subject changes between logins")
	}
	if other := w.login(t, "taro", "9999"); other.Subject == login.Subject {
		t.Error("two people have one subject")
	}
}

func TestLoginWithoutParticulars(t *testing.T) {
	w := newWorld(t, nil)
	address, pending, err := w.citizen.AuthURL(t.Context(), identity.LoginRequest{RedirectURI: callbackURL})
	if err != nil {
		t.Fatal(err)
	}
	login, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234")))
	if err != nil || login.Particulars != (identity.Particulars{}) {
		t.Errorf("%+v, %v", login, err)
	}
}

// The whole way of a signature: canonical bytes, digest, visit, verification, CMS.
func TestSignature(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.PrivateKey{"RSA-OAEP-256": nil, "ECDH-ES": ec} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, key)
			login := w.login(t, "hanako", "1234")
			content, err := jcs.Marshal(map[string]any{"procedure": "registration", "name": "佐賀 花子"})
			if err != nil {
				t.Fatal(err)
			}
			signed := w.sign(t, content, login.Subject, card("hanako"), password("ABC123"))
			signer, err := w.verify(t, content, signed)
			if err != nil {
				t.Fatal(err)
			}
			p := login.Particulars
			same := jpki.Particulars{Name: p.Name, BirthDate: p.BirthDate, Sex: jpki.Sex(p.Sex), Address: p.Address}
			if err := signer.SamePerson(same); err != nil {
				t.Error(err)
			}
			der, err := cms.Build(signed.Value, signed.Certificate)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := cms.Verify(content, der); err != nil {
				t.Error(err)
			}
			if err := w.idp.Revoke("hanako", ca.Signing); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(time.Second)
			if _, err := w.verify(t, content, signed); !errors.Is(err, jpki.Revoked) {
				t.Errorf("after the revocation: %v, want %v", err, jpki.Revoked)
			}
		})
	}
}

// Somebody else's card on the reader is noticed twice: by the subject, and by the certificate.
func TestSomebodyElseSigns(t *testing.T) {
	w := newWorld(t, nil)
	login := w.login(t, "hanako", "1234")
	address, pending := w.beginSignature(t, []byte("{}"), login.Subject)
	_, err := w.citizen.FinishSignature(t.Context(), pending, visit(t, address, card("taro"), password("XYZ789")))
	wantFault(t, err, fault.Forbidden, "identity.someone_else", "another person")

	signer, err := w.verify(t, []byte("{}"), w.sign(t, []byte("{}"), "", card("taro"), password("XYZ789")))
	if err != nil {
		t.Fatal(err)
	}
	p := login.Particulars
	if err := signer.SamePerson(jpki.Particulars{Name: p.Name, BirthDate: p.BirthDate, Sex: jpki.Sex(p.Sex)}); !errors.Is(err, jpki.DifferentPerson) {
		t.Errorf("%v, want %v", err, jpki.DifferentPerson)
	}
	if err := signer.SamePerson(jpki.Particulars{Name: "髙橋 太郎", BirthDate: "1985-03-15", Sex: jpki.Male}); err != nil {
		t.Errorf("a replaced character makes another person: %v", err)
	}
}

func TestStaffLogin(t *testing.T) {
	w := newWorld(t, nil)
	begin := func(req identity.LoginRequest) (string, identity.Pending) {
		req.RedirectURI = callbackURL
		address, pending, err := w.staff.AuthURL(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return address, stored(t, pending)
	}
	address, pending := begin(identity.LoginRequest{})
	login, err := w.staff.Finish(t.Context(), pending, visit(t, address, user("ito", "shinsa")))
	if err != nil || login.Subject != "staff-1" || login.Name != "伊藤　審査" || login.ACR != "password" || strings.Join(login.AMR, " ") != "pwd" {
		t.Fatalf("%+v, %v", login, err)
	}

	address, pending = begin(identity.LoginRequest{StepUp: true, MaxAge: 5 * time.Minute, Subject: login.Subject})
	otp := w.staffUser.OTP(w.clock.Now())
	login, err = w.staff.Finish(t.Context(), pending, visit(t, address, user("ito", "shinsa"), code("000000"), code(otp)))
	if err != nil || login.ACR != identity.ACRStepUp || strings.Join(login.AMR, " ") != "pwd otp" {
		t.Fatalf("step-up: %+v, %v", login, err)
	}

	address, pending = begin(identity.LoginRequest{StepUp: true, Subject: login.Subject})
	_, err = w.staff.Finish(t.Context(), pending, visit(t, address, user("ono", "kessai"), code(w.otherStaff.OTP(w.clock.Now()))))
	wantFault(t, err, fault.Forbidden, "identity.someone_else", "another person")

	// The answer to a plain login does not pass for a step-up: a provider may ignore acr_values.
	address, pending = begin(identity.LoginRequest{})
	pending.StepUp = true
	_, err = w.staff.Finish(t.Context(), pending, visit(t, address, user("ito", "shinsa")))
	wantFault(t, err, fault.StepUp, "", `acr is "password"`)

	address, pending = begin(identity.LoginRequest{MaxAge: time.Minute})
	w.answer = w.claims(t, func(c map[string]any) { c["auth_time"] = w.clock.Now().Add(-time.Hour).Unix() })
	_, err = w.staff.Finish(t.Context(), pending, visit(t, address, user("ito", "shinsa")))
	wantFault(t, err, fault.StepUp, "", "logged in at")
}

// A code works once, and its second use takes back what the first one got.
func TestCodeReuse(t *testing.T) {
	w := newWorld(t, nil)
	address, pending := w.beginLogin(t)
	query := visit(t, address, card("hanako"), pin("1234"))
	if _, err := w.citizen.Finish(t.Context(), pending, query); err != nil {
		t.Fatal(err)
	}
	_, err := w.citizen.Finish(t.Context(), pending, query)
	wantFault(t, err, fault.Unauthenticated, "identity.code_refused", "used before")

	address, pending = w.beginLogin(t)
	query = visit(t, address, card("hanako"), pin("1234"))
	w.clock.Advance(2 * time.Minute)
	_, err = w.citizen.Finish(t.Context(), pending, query)
	wantFault(t, err, fault.Unauthenticated, "identity.code_refused", "expired")
}

// A revoked authentication certificate ends the visit: the login asks for the list to be looked up.
func TestRevokedAuthentication(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.idp.Revoke("hanako", ca.Authentication); err != nil {
		t.Fatal(err)
	}
	address, pending := w.beginLogin(t)
	_, err := w.citizen.Finish(t.Context(), pending, visit(t, address, card("hanako"), pin("1234")))
	wantFault(t, err, fault.Unauthenticated, "identity.cancelled", "revoked")
}
