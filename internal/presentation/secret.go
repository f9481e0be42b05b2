package presentation

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"akashi/internal/fault"
	"akashi/internal/verification"
)

// secretBytes is the size of every secret here.
const secretBytes = 32

// secret draws a random text that nobody guesses.
func secret() (string, error) {
	b := make([]byte, secretBytes)
	if _, err := rand.Read(b); err != nil {
		return "", fault.Wrap(fault.Internal, err, "drawing a secret")
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

// hashOf is what the database knows a secret by.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// derive makes another secret of one, that does not lead back.
func derive(secret, label string) string {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "akashi presentation "+label, secretBytes)
	if err != nil {
		panic(err) // only of lengths that SHA-256 cannot give
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

// keyFrom makes a key pair on P-256 of a secret: the same each time.
func keyFrom(secret, salt []byte, label string) (*ecdsa.PrivateKey, error) {
	for n := range 8 { // a candidate is no scalar once in four billion times
		raw, err := hkdf.Key(sha256.New, secret, salt, fmt.Sprintf("akashi presentation %s %d", label, n), secretBytes)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "making a key of a secret")
		}
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw); err == nil {
			return key, nil
		}
	}
	return nil, fault.New(fault.Internal, "", "making a key of a secret: no candidate is one")
}

// answerKey is the key to which the wallet encrypts. It comes from the platform's secret and the question's salt: it is
// stored nowhere, and ends with the question.
func (r *Reader) answerKey(t *Transaction) (*ecdsa.PrivateKey, error) {
	return keyFrom(r.Secret, t.Salt, "answer "+t.ID.String())
}

// resultKey is the key to which a result is encrypted for whoever has the secret.
func resultKey(secret string) (*ecdsa.PrivateKey, error) {
	return keyFrom([]byte(secret), nil, "result")
}

// seal encrypts a result to a public key.
func seal(result verification.Result, public *ecdsa.PublicKey) (string, error) {
	plain, err := json.Marshal(result)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "writing a result")
	}
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: public}, nil)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encrypting a result")
	}
	message, err := e.Encrypt(plain)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "encrypting a result")
	}
	return message.CompactSerialize()
}

// unseal is the inverse of seal, by the secret.
func unseal(sealed, secret string) (*verification.Result, error) {
	key, err := resultKey(secret)
	if err != nil {
		return nil, err
	}
	message, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "reading a stored result")
	}
	plain, err := message.Decrypt(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "decrypting a stored result")
	}
	var result verification.Result
	return &result, fault.Wrap(fault.Internal, json.Unmarshal(plain, &result), "reading a stored result")
}

// fill draws what an answer is bound to, and makes the key for the result of the asker's token.
func (t *Transaction) fill(token string) (err error) {
	if t.Nonce, err = secret(); err != nil {
		return err
	}
	if t.State, err = secret(); err != nil {
		return err
	}
	t.Salt = make([]byte, secretBytes)
	if _, err = rand.Read(t.Salt); err != nil {
		return fault.Wrap(fault.Internal, err, "drawing a salt")
	}
	key, err := resultKey(token)
	if err != nil {
		return err
	}
	t.PageKey, err = key.PublicKey.Bytes()
	return fault.Wrap(fault.Internal, err, "writing a public key")
}
