//go:build pkcs11

package token

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/miekg/pkcs11"

	"akashi/internal/fault"
)

const (
	// sessions bounds how many signatures are made at once.
	sessions = 8
	// attempts is how often something is begun again after the token forgot its sessions.
	attempts = 4
	idBytes  = 16
)

// Token is an open token. Sessions and the login are renewed by themselves when the token has lost them, e.g. after a reset or a
// removal. It is safe for concurrent use, and must not be opened twice for one module in a process.
type Token struct {
	config  Config
	ctx     *pkcs11.Ctx
	free    chan session
	mu      sync.Mutex
	slot    uint
	round   int                            // counts logins: what is of an earlier one is stale
	handles map[string]pkcs11.ObjectHandle // of private keys, by id; of this round
	login   pkcs11.SessionHandle           // keeps the login while no other session is open
	refused *[sha256.Size]byte             // digest of a PIN that the token refused, which is not tried again
}

// session is one of the pool; with handle 0 it is still to be opened.
type session struct {
	handle pkcs11.SessionHandle
	round  int
}

// Open loads the module, finds the token and logs in. It fails with fault.Invalid when the settings are wrong, with fault.Upstream
// when the token is not there or refuses.
func Open(c Config) (*Token, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	ctx := pkcs11.New(c.Module)
	if ctx == nil {
		return nil, fault.New(fault.Invalid, "", "loading the PKCS #11 module "+c.Module)
	}
	if err := ctx.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		ctx.Destroy()
		return nil, fault.Wrap(fault.Upstream, err, "starting the PKCS #11 module")
	}
	t := &Token{config: c, ctx: ctx, free: make(chan session, sessions)}
	for range sessions {
		t.free <- session{}
	}
	if err := t.renew(0); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// Close ends all sessions and unloads the module. Nothing may be signing any more.
func (t *Token) Close() error {
	err := t.ctx.Finalize()
	t.ctx.Destroy()
	return fault.Wrap(fault.Upstream, err, "closing a token")
}

// String names the token and no more.
func (t *Token) String() string { return "token(" + t.config.Label + ")" }

// GoString does the same for %#v.
func (t *Token) GoString() string { return t.String() }

// renew logs in again, unless somebody has since the given round.
func (t *Token) renew(round int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.round != round {
		return nil
	}
	slot, err := t.find()
	if err != nil {
		return err
	}
	if t.login != 0 {
		_ = t.ctx.CloseSession(t.login) // it may be gone already
	}
	t.slot, t.login = slot, 0
	if t.login, err = t.ctx.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
		return fault.Wrap(fault.Upstream, err, "opening a session with the token")
	}
	if err := t.logIn(); err != nil {
		return err
	}
	t.round, t.handles = t.round+1, map[string]pkcs11.ObjectHandle{}
	return nil
}

// find finds the slot of the token, which may be another after a reset.
func (t *Token) find() (uint, error) {
	slots, err := t.ctx.GetSlotList(true)
	if err != nil {
		return 0, fault.Wrap(fault.Upstream, err, "looking for tokens")
	}
	var found []uint
	for _, slot := range slots {
		if info, err := t.ctx.GetTokenInfo(slot); err == nil && info.Label == t.config.Label {
			found = append(found, slot)
		}
	}
	if len(found) != 1 {
		return 0, fault.New(fault.Upstream, "", fmt.Sprintf("looking for the token %q: there are %d", t.config.Label, len(found)))
	}
	return found[0], nil
}

// logIn logs in with the PIN of the file. A PIN that was refused is not tried again: tokens lock themselves after a few.
func (t *Token) logIn() error {
	pin, err := t.config.pin()
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(pin))
	if t.refused != nil && *t.refused == sum {
		return fault.New(fault.Upstream, "", "logging in to the token: it has refused this PIN before")
	}
	err = t.ctx.Login(t.login, pkcs11.CKU_USER, pin)
	switch {
	case err == nil, is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN):
		t.refused = nil
		return nil
	case is(err, pkcs11.CKR_PIN_INCORRECT), is(err, pkcs11.CKR_PIN_LOCKED), is(err, pkcs11.CKR_PIN_INVALID), is(err, pkcs11.CKR_PIN_LEN_RANGE), is(err, pkcs11.CKR_PIN_EXPIRED):
		t.refused = &sum
	}
	return fault.Wrap(fault.Upstream, err, "logging in to the token")
}

// with has f work with a session of the pool, again with a new login when the token has forgotten the old one.
func (t *Token) with(ctx context.Context, f func(s pkcs11.SessionHandle) error) error {
	var s session
	select {
	case s = <-t.free:
	case <-ctx.Done():
		return fault.Wrap(fault.Upstream, ctx.Err(), "waiting for a session with the token")
	}
	defer func() { t.free <- s }()
	var err error
	for range attempts {
		if s, err = t.ready(s); err == nil {
			if err = f(s.handle); !lost(err) {
				return err
			}
		} else if !lost(err) {
			return err
		}
		if failed := t.renew(s.round); failed != nil {
			return failed
		}
	}
	return fault.Wrap(fault.Upstream, err, "working with the token")
}

// ready opens the session, or opens it again when it is of an earlier login.
func (t *Token) ready(s session) (session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.handle != 0 && s.round == t.round {
		return s, nil
	}
	if s.handle != 0 {
		_ = t.ctx.CloseSession(s.handle) // it may be gone already
	}
	handle, err := t.ctx.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return session{round: t.round}, err
	}
	return session{handle, t.round}, nil
}

// lost tells whether an error means that sessions, login or handles are no longer good.
func lost(err error) bool {
	return is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_SLOT_ID_INVALID, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID)
}

func is(err error, codes ...pkcs11.Error) bool {
	var code pkcs11.Error
	return errors.As(err, &code) && slices.Contains(codes, code)
}

// p256 are the parameters of the curve: its identifier in DER (RFC 5480 §2.1.1.1).
func p256() []byte { return []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07} }

// Generate makes a key pair that stays on the token. name is its label there.
func (t *Token) Generate(ctx context.Context, name string) (id []byte, public *ecdsa.PublicKey, err error) {
	id = make([]byte, idBytes)
	if _, err := rand.Read(id); err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "drawing the id of a key")
	}
	a := pkcs11.NewAttribute
	err = t.with(ctx, func(s pkcs11.SessionHandle) error {
		own, private, err := t.ctx.GenerateKeyPair(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_EC_KEY_PAIR_GEN, nil)},
			[]*pkcs11.Attribute{a(pkcs11.CKA_EC_PARAMS, p256()), a(pkcs11.CKA_TOKEN, true), a(pkcs11.CKA_VERIFY, true), a(pkcs11.CKA_LABEL, name), a(pkcs11.CKA_ID, id)},
			[]*pkcs11.Attribute{a(pkcs11.CKA_TOKEN, true), a(pkcs11.CKA_PRIVATE, true), a(pkcs11.CKA_SENSITIVE, true), a(pkcs11.CKA_EXTRACTABLE, false), a(pkcs11.CKA_SIGN, true),
				a(pkcs11.CKA_LABEL, name), a(pkcs11.CKA_ID, id)})
		if err != nil {
			return fault.Wrap(fault.Upstream, err, "making a key on the token")
		}
		if public, err = t.public(s, own); err != nil {
			return err
		}
		return t.kept(s, private)
	})
	return id, public, err
}

// public reads the public half of a key.
func (t *Token) public(s pkcs11.SessionHandle, key pkcs11.ObjectHandle) (*ecdsa.PublicKey, error) {
	found, err := t.ctx.GetAttributeValue(s, key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EC_POINT, nil)})
	if err != nil || len(found) != 1 {
		return nil, fault.Wrap(fault.Upstream, errors.Join(err, errors.New("no point")), "reading a public key of the token")
	}
	var point []byte // DER OCTET STRING around the point (PKCS #11 v2.40 §2.3.3)
	if rest, err := asn1.Unmarshal(found[0].Value, &point); err != nil || len(rest) > 0 {
		return nil, fault.New(fault.Upstream, "", "reading a public key of the token: it is in no form that is known")
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	return public, fault.Wrap(fault.Upstream, err, "reading a public key of the token")
}

// kept sees that the token will give a private key to nobody.
func (t *Token) kept(s pkcs11.SessionHandle, key pkcs11.ObjectHandle) error {
	found, err := t.ctx.GetAttributeValue(s, key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil)})
	if err != nil {
		return fault.Wrap(fault.Upstream, err, "looking at a key of the token")
	}
	for _, f := range found {
		if want := f.Type == pkcs11.CKA_SENSITIVE; len(f.Value) != 1 || (f.Value[0] != 0) != want {
			return fault.New(fault.Upstream, "", "making a key on the token: it would give it away")
		}
	}
	return nil
}

// Sign signs a SHA-256 digest and returns r and s, which is what the mechanism CKM_ECDSA returns (PKCS #11 v2.40 §2.3.6).
// fault.NotFound when the token has no key of the id.
func (t *Token) Sign(ctx context.Context, id, digest []byte) (signature []byte, err error) {
	if len(digest) != sha256.Size {
		return nil, fault.New(fault.Internal, "", "signing what is no SHA-256 digest")
	}
	err = t.with(ctx, func(s pkcs11.SessionHandle) error {
		key, err := t.key(s, id)
		if err != nil {
			return err
		}
		if err := t.ctx.SignInit(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_ECDSA, nil)}, key); err != nil {
			return fault.Wrap(fault.Upstream, err, "signing on the token")
		}
		signature, err = t.ctx.Sign(s, digest)
		return fault.Wrap(fault.Upstream, err, "signing on the token")
	})
	return signature, err
}

// key finds a private key by its id. Handles are good in all sessions of a login (PKCS #11 v2.40, "Object handles").
func (t *Token) key(s pkcs11.SessionHandle, id []byte) (pkcs11.ObjectHandle, error) {
	t.mu.Lock()
	handle, known := t.handles[string(id)]
	round := t.round
	t.mu.Unlock()
	if known {
		return handle, nil
	}
	found, err := t.search(s, id)
	if err != nil {
		return 0, fault.Wrap(fault.Upstream, err, "looking for a key on the token")
	}
	if len(found) == 0 { // private keys are not to be seen without a login
		if info, err := t.ctx.GetSessionInfo(s); err != nil || info.State != pkcs11.CKS_RW_USER_FUNCTIONS {
			return 0, errors.Join(err, pkcs11.Error(pkcs11.CKR_USER_NOT_LOGGED_IN))
		}
	}
	if len(found) != 1 {
		return 0, fault.New(fault.NotFound, "", fmt.Sprintf("looking for a key on the token: there are %d", len(found)))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.round == round {
		t.handles[string(id)] = found[0]
	}
	return found[0], nil
}

func (t *Token) search(s pkcs11.SessionHandle, id []byte) (found []pkcs11.ObjectHandle, err error) {
	a := pkcs11.NewAttribute
	if err := t.ctx.FindObjectsInit(s, []*pkcs11.Attribute{a(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY), a(pkcs11.CKA_ID, id)}); err != nil {
		return nil, err
	}
	found, _, err = t.ctx.FindObjects(s, 2)
	return found, errors.Join(err, t.ctx.FindObjectsFinal(s))
}
