package oauth

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// OfferScheme begins the link by which a wallet on the same device takes an offer (VCI §12.1.1).
const OfferScheme = "openid-credential-offer://"

// Offer is a credential offer (VCI §4.1.1).
type Offer struct {
	Issuer         string   `json:"credential_issuer"`
	Configurations []string `json:"credential_configuration_ids"`
	Grants         Grants   `json:"grants"`
}

// Grants are the ways by which an offer can be taken.
type Grants struct {
	AuthorizationCode *AuthorizationGrant `json:"authorization_code,omitempty"`
	PreAuthorized     *PreAuthorizedGrant `json:"urn:ietf:params:oauth:grant-type:pre-authorized_code,omitempty"`
}

// AuthorizationGrant lets the wallet begin a request for authorization.
type AuthorizationGrant struct {
	IssuerState string `json:"issuer_state,omitempty"`
}

// PreAuthorizedGrant hands the code over.
type PreAuthorizedGrant struct {
	Code   string  `json:"pre-authorized_code"`
	TxCode *TxCode `json:"tx_code,omitempty"` // nil: there is none
}

// TxCode says what a transaction code looks like.
type TxCode struct {
	InputMode   string `json:"input_mode"` // numeric or text
	Length      int    `json:"length"`
	Description string `json:"description,omitempty"` // at most 300 characters
}

// Link is the text of a QR code or link with the whole offer in it.
func (o Offer) Link() (string, error) {
	body, err := json.Marshal(o)
	if err != nil {
		return "", fmt.Errorf("writing an offer: %w", err)
	}
	return OfferScheme + "?credential_offer=" + url.QueryEscape(string(body)), nil
}

// LinkTo is the text of a QR code or link to an offer that is fetched (VCI §4.1.3).
func LinkTo(address string) string {
	return OfferScheme + "?credential_offer_uri=" + url.QueryEscape(address)
}

// ParseOffer reads an offer as a wallet does.
func ParseOffer(text []byte) (*Offer, error) {
	var o Offer
	if err := decode(text, &o); err != nil {
		return nil, refuse(RequestMalformed, "reading an offer: %v", err)
	}
	if o.Issuer == "" || len(o.Configurations) == 0 {
		return nil, refuse(RequestMissing, "the offer names no issuer or no configuration")
	}
	return &o, nil
}

// ParseLink takes a link apart: the offer itself, or the address where it is fetched.
func ParseLink(link string) (offer *Offer, address string, err error) {
	u, err := url.Parse(link)
	if err != nil {
		return nil, "", refuse(RequestMalformed, "the link is no address")
	}
	q := u.Query()
	here, there := q["credential_offer"], q["credential_offer_uri"]
	switch {
	case len(here) == 1 && len(there) == 0:
		offer, err = ParseOffer([]byte(here[0]))
		return offer, "", err
	case len(here) == 0 && len(there) == 1:
		return nil, there[0], nil
	}
	return nil, "", refuse(RequestMalformed, "the link has not exactly one offer")
}
