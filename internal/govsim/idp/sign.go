package idp

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
)

// transactionLife is how long a digest waits to be signed and its result to be fetched.
const transactionLife = 10 * time.Minute

// transaction is one digest on its way to a signature. Guarded by cardDesk.mu.
type transaction struct {
	client      string
	input       []byte // what the card pads and signs: a bare digest or a DigestInfo
	until       time.Time
	signature   []byte // nil: not signed yet
	certificate []byte
}

func (t *transaction) ends() time.Time { return t.until }

// digest returns the SHA-256 digest within the input, to be shown.
func (t *transaction) digest() []byte { return t.input[len(t.input)-32:] }

// digestInfo is the DER of a DigestInfo with SHA-256 and NULL up to the digest (RFC 8017 §9.2 note 1).
func digestInfo() []byte {
	return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
}

// startSign takes a digest from a client that proved itself.
func (d *cardDesk) startSign(w http.ResponseWriter, r *http.Request) {
	a, problem := d.provider.bearer(r)
	if problem == nil && a.subject != "" {
		problem = forbidden("sign transactions are begun with the client's own token")
	}
	if problem != nil {
		problem.write(w)
		return
	}
	input, problem := readStart(r, a.client)
	if problem != nil {
		problem.write(w)
		return
	}
	id, now := uuid.NewString(), d.provider.clock.Now()
	d.mu.Lock()
	forget(d.transactions, now)
	d.transactions[id] = &transaction{client: a.client, input: input, until: now.Add(transactionLife)}
	d.mu.Unlock()
	writeJSON(w, http.StatusCreated, signStarted{id})
}

// readStart reads the request's body and returns what is to be signed.
func readStart(r *http.Request, client string) ([]byte, *problem) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return nil, bad("invalid_request", "the body is no JSON")
	}
	var start signStart
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&start); err != nil || dec.More() {
		return nil, bad("invalid_request", "the body cannot be read")
	}
	if start.ClientID != client {
		return nil, bad("invalid_request", "client_id is not the token's")
	}
	input, err := base64.StdEncoding.Strict().DecodeString(start.Digest)
	if err != nil || len(input) != 32 && (len(input) != 51 || !bytes.HasPrefix(input, digestInfo())) {
		return nil, bad("invalid_request", "digest is neither a SHA-256 digest nor a DigestInfo around one")
	}
	return input, nil
}

// check is what an authorization request must fulfil at the citizens' provider: the scope sign and a sign transaction
// that waits come together or not at all.
func (d *cardDesk) check(req *request, query url.Values) *problem {
	id := query.Get("sign_transaction_id")
	if req.wants("sign") != (id != "") {
		return bad("invalid_request", "scope sign and sign_transaction_id come together")
	}
	if id == "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.transactions[id]
	if t == nil || t.client != req.client.ID || t.signature != nil || t.until.Before(d.provider.clock.Now()) {
		return bad("invalid_request", "sign_transaction_id names no transaction of the client that waits")
	}
	req.transaction = id
	return nil
}

// signWith signs the transaction with the card's signing key. As the card does, it pads what it is given: a bare digest
// stays bare and is no signature of RFC 8017 §8.2.
func (d *cardDesk) signWith(card *cardState, id string) error {
	credential, err := card.signing(d.ca)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.transactions[id]
	if t == nil || t.until.Before(d.provider.clock.Now()) {
		return errors.New("the sign transaction has ended")
	}
	signature, err := rsa.SignPKCS1v15(nil, credential.Key, 0, t.input)
	if err != nil {
		return err
	}
	t.signature, t.certificate = signature, credential.Certificate
	return nil
}

// result gives the signature to the holder of the token of its visit, encrypted to the client's key.
func (d *cardDesk) result(w http.ResponseWriter, r *http.Request) {
	a, problem := d.provider.bearer(r)
	if problem != nil {
		problem.write(w)
		return
	}
	id := r.PathValue("id")
	d.mu.Lock()
	t := d.transactions[id]
	d.mu.Unlock()
	if a.transaction != id || t == nil || t.client != a.client || t.signature == nil || t.until.Before(d.provider.clock.Now()) {
		failure(http.StatusNotFound, "not_found", "no such result for this token").write(w)
		return
	}
	jwe, err := encrypt(d.provider.clients[a.client], t)
	if err != nil {
		failure(http.StatusInternalServerError, "server_error", err.Error()).write(w)
		return
	}
	writeJSON(w, http.StatusOK, signResult{jwe})
}

// encrypt makes the JWE for the client's encryption key: RSA-OAEP-256 or ECDH-ES, with A256GCM.
func encrypt(client Client, t *transaction) (string, error) {
	plain, err := json.Marshal(signOutcome{
		base64.StdEncoding.EncodeToString(t.signature), base64.StdEncoding.EncodeToString(t.certificate),
	})
	if err != nil {
		return "", err
	}
	for _, key := range client.Keys.Keys {
		if key.Use != "enc" {
			continue
		}
		recipient := jose.Recipient{Key: key.Key, KeyID: key.KeyID}
		switch key.Key.(type) {
		case *rsa.PublicKey:
			recipient.Algorithm = jose.RSA_OAEP_256
		case *ecdsa.PublicKey:
			recipient.Algorithm = jose.ECDH_ES
		}
		encrypter, err := jose.NewEncrypter(jose.A256GCM, recipient, nil)
		if err != nil {
			return "", err
		}
		object, err := encrypter.Encrypt(plain)
		if err != nil {
			return "", err
		}
		return object.CompactSerialize()
	}
	return "", errors.New("the client has registered no encryption key")
}
