package wallettest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"akashi/internal/format/mdoc"
)

// vouched tells whether one of the authorities stands above a credential's issuer, as a wallet of HAIP 1.0 sees to it: by the key
// identifiers that the certificates in the credential name (OpenID4VP 1.0 §6.1.1.1).
func (h Held) vouched(by []Authority) (bool, error) {
	if len(by) == 0 {
		return true, nil
	}
	ders, err := h.chain()
	if err != nil {
		return false, err
	}
	for _, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return false, fmt.Errorf("reading an issuer's certificate: %w", err)
		}
		id := base64.RawURLEncoding.EncodeToString(cert.AuthorityKeyId)
		if slices.ContainsFunc(by, func(a Authority) bool { return a.Type == "aki" && slices.Contains(a.Values, id) }) {
			return true, nil
		}
	}
	return false, nil
}

// chain are the certificates in a credential.
func (h Held) chain() ([][]byte, error) {
	if h.Format == FormatMDoc {
		signed, err := mdoc.ParseIssuerSigned(h.MDoc)
		if err != nil {
			return nil, fmt.Errorf("reading a mobile document: %w", err)
		}
		return signed.Chain, nil
	}
	first, _, _ := strings.Cut(h.SDJWT, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, fmt.Errorf("reading an SD-JWT: %w", err)
	}
	var header struct {
		Chain [][]byte `json:"x5c"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		return nil, fmt.Errorf("reading an SD-JWT: %w", err)
	}
	return header.Chain, nil
}
