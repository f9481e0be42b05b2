package idp_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// The digest is shown before it is signed, five wrong passwords lock the card, and the result goes to the holder of the
// visit's token alone, encrypted.
func TestSigning(t *testing.T) {
	b := newBench(t)
	id := b.startSign(false)
	v := b.begin(map[string]string{"scope": "openid sign", "sign_transaction_id": id}).post("card", "card", "hanako")
	digest := sha256.Sum256([]byte("{}"))
	shown := hex.EncodeToString(digest[:])
	if !strings.Contains(strings.ReplaceAll(v.text, " ", ""), shown) {
		t.Errorf("the page does not show %s:\n%s", shown, v.text)
	}
	for range 5 {
		v.post("password", "secret", "WRONG1")
	}
	if !strings.Contains(v.text, "ロックされました") {
		t.Errorf("five wrong passwords:\n%s", v.text)
	}
	if err := b.Unlock("hanako"); err != nil {
		t.Fatal(err)
	}
	_, answer := b.token(b.tokenForm(v.post("password", "secret", "ABC123").back().Get("code")))
	token := answer["access_token"].(string)
	result := "/api/sign-transactions/" + id + "/result"
	_, otherAnswer := b.token(b.tokenForm(b.login(nil)))
	for name, stranger := range map[string]string{"client's token": b.clientToken("RP1"), "another visit's": otherAnswer["access_token"].(string)} {
		if status, answer := b.callJSON("GET", result, stranger, ""); status != 404 || answer["error"] != "not_found" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, answer := b.callJSON("GET", result, "x", ""); status != 401 || answer["error"] != "invalid_token" {
		t.Errorf("no token: %d %v", status, answer)
	}
	signature, cert := b.openResult(b.callJSON("GET", result, token, ""))
	if err := rsa.VerifyPKCS1v15(cert.PublicKey.(*rsa.PublicKey), crypto.SHA256, digest[:], signature); err != nil {
		t.Error(err)
	}
	again := b.begin(map[string]string{"scope": "openid sign", "sign_transaction_id": id}).back()
	if again.Get("error") != "invalid_request" {
		t.Errorf("signed twice: %v", again)
	}
}

// openResult decrypts a sign result.
func (b *bench) openResult(status int, answer map[string]any) ([]byte, *x509.Certificate) {
	b.t.Helper()
	text, _ := answer["result"].(string)
	object, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
	if status != http.StatusOK || err != nil {
		b.t.Fatalf("%d %v: %v", status, answer, err)
	}
	plain, err := object.Decrypt(b.decryption)
	if err != nil {
		b.t.Fatal(err)
	}
	var outcome struct{ Signature, Certificate []byte }
	if err := json.Unmarshal(plain, &outcome); err != nil {
		b.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(outcome.Certificate)
	if err != nil {
		b.t.Fatal(err)
	}
	return outcome.Signature, cert
}

// A bare digest is padded as it is, as the card does: the result is no signature with SHA-256.
func TestBareDigest(t *testing.T) {
	b := newBench(t)
	id := b.startSign(true)
	v := b.begin(map[string]string{"scope": "openid name sign", "sign_transaction_id": id}).post("card", "card", "hanako")
	v.post("pin", "secret", "1234").post("password", "secret", "ABC123")
	_, answer := b.token(b.tokenForm(v.back().Get("code")))
	signature, cert := b.openResult(b.callJSON("GET", "/api/sign-transactions/"+id+"/result", answer["access_token"].(string), ""))
	digest := sha256.Sum256([]byte("{}"))
	key := cert.PublicKey.(*rsa.PublicKey)
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) == nil || rsa.VerifyPKCS1v15(key, 0, digest[:], signature) != nil {
		t.Error("the bare digest was not signed bare")
	}
}

func TestSignStartRefused(t *testing.T) {
	b := newBench(t)
	digest := base64.StdEncoding.EncodeToString(make([]byte, 32))
	start := func(token, body string) (int, map[string]any) {
		return b.callJSON("POST", "/api/sign-transactions", token, body)
	}
	own := b.clientToken("RP1")
	for name, body := range map[string]string{
		"other client": `{"client_id":"RP2","digest":"` + digest + `"}`, "short": `{"client_id":"RP1","digest":"AAAA"}`,
		"not Base64": `{"client_id":"RP1","digest":"!"}`, "more": `{"client_id":"RP1","digest":"` + digest + `","x":1}`, "none": `x`,
		"SHA-512 info": `{"client_id":"RP1","digest":"` + base64.StdEncoding.EncodeToString(make([]byte, 51)) + `"}`,
	} {
		if status, answer := start(own, body); status != 400 || answer["error"] != "invalid_request" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	_, answer := b.token(b.tokenForm(b.login(nil)))
	if status, answer := start(answer["access_token"].(string), "{}"); status != 403 || answer["error"] != "insufficient_scope" {
		t.Errorf("a person's token: %d %v", status, answer)
	}
	if status, answer := start("x", "{}"); status != 401 || answer["error"] != "invalid_token" {
		t.Errorf("no token: %d %v", status, answer)
	}
	form := b.tokenForm("")
	form.Set("grant_type", "client_credentials")
	form.Set("client_id", "RP3")
	form.Set("client_assertion", b.assertion("RP3", nil))
	if status, answer := b.token(form); status != 400 || answer["error"] != "unauthorized_client" {
		t.Errorf("a client without scope sign: %d %v", status, answer)
	}
}
