package ca

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"akashi/internal/format/jpki"
)

// Card is one synthetic national ID card with its holder.
type Card struct {
	ID    string // of the card in the simulator: letters and digits
	Label string // shown in the simulator's list, beside the name

	// As in the signing certificate: characters of JIS X 0208 and 0212 only. The flags (one 0 or 1 per character) tell
	// which ones replace another; empty flags mean none.
	Name, NameAlt       string
	Address, AddressAlt string
	BirthDate           string // YYYY-MM-DD
	Sex                 jpki.Sex

	// As on the card's face; empty means as in the certificate.
	FaceName, FaceAddress string

	Prefecture, City string // in Roman letters, for the names in the certificate: "Saga-ken", "Saga-shi"

	PIN      string // 4 digits, for the authentication key
	Password string // 6 to 16 of A-Z and 0-9, for the signing key

	Variant string // one of Variants: the signing certificate breaks that rule; empty: it is sound
}

// Face returns name and address as on the card's face.
func (c Card) Face() (name, address string) {
	name, address = c.FaceName, c.FaceAddress
	if name == "" {
		name = c.Name
	}
	if address == "" {
		address = c.Address
	}
	return name, address
}

// alt returns flags, all 0 where none are given.
func alt(flags, text string) string {
	if flags == "" {
		return strings.Repeat("0", utf8.RuneCountInString(text))
	}
	return flags
}

// Credential is a certificate with its key, as the card keeps them.
type Credential struct {
	Key         *rsa.PrivateKey
	Certificate []byte // DER
}

// Template is a certificate about to be issued. Tests change it to break a rule.
type Template struct {
	Serial              *big.Int
	Subject             []byte // DER
	NotBefore, NotAfter time.Time
	Policy              string
	KeyUsage            x509.KeyUsage
	KeyUsageLax         bool // the extension is not critical
	KeyBits             int
	Algorithm           x509.SignatureAlgorithm
	Particulars         []Particular // in the order in which they stand
	SAN                 []byte       // value of subjectAltName in place of Particulars
	Point               []byte       // directory name of the revocation list, DER; nil: none
	IsCA                bool
	Extra               []pkix.Extension
	After               func(der []byte) []byte // changes the finished certificate
}

// Particular is one otherName: its number below 1.2.392.200149.8.5.5 and its text.
type Particular struct {
	Number int
	Text   string
}

// IssueSigning makes a key and a signing certificate for the card, of the variant that the card names, with changes.
func (c *CA) IssueSigning(card Card, changes ...func(*Template)) (Credential, error) {
	t, err := c.template(Signing, card)
	if err != nil {
		return Credential{}, fmt.Errorf("signing certificate of card %s: %w", card.ID, err)
	}
	if card.Variant != "" {
		v, known := Variants()[card.Variant]
		if !known {
			return Credential{}, fmt.Errorf("signing certificate of card %s: no variant %q", card.ID, card.Variant)
		}
		v.Change(t)
	}
	for _, change := range changes {
		change(t)
	}
	return c.issue(Signing, t)
}

// IssueAuthentication makes a key and a user authentication certificate for the card.
func (c *CA) IssueAuthentication(card Card, changes ...func(*Template)) (Credential, error) {
	t, err := c.template(Authentication, card)
	if err != nil {
		return Credential{}, fmt.Errorf("authentication certificate of card %s: %w", card.ID, err)
	}
	for _, change := range changes {
		change(t)
	}
	return c.issue(Authentication, t)
}

// template fills in a sound certificate for the card: begun 30 days ago, valid until the end of the holder's fifth
// birthday from the issue (電子署名等に係る地方公共団体情報システム機構の認証業務に関する法律, its enforcement rules).
func (c *CA) template(kind Kind, card Card) (*Template, error) {
	now := c.cfg.Clock.Now()
	birth, err := time.ParseInLocation(time.DateOnly, card.BirthDate, now.Location())
	if err != nil {
		return nil, fmt.Errorf("birth date: %w", err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	t := &Template{
		Serial: serial.Add(serial, big.NewInt(2)), NotBefore: now.AddDate(0, 0, -30), NotAfter: fifthBirthday(birth, now),
		Policy: jpki.PolicyAuthentication, KeyUsage: x509.KeyUsageDigitalSignature, KeyBits: 2048, Algorithm: x509.SHA256WithRSA,
	}
	stamp := attribute{commonName, now.Format("20060102150405") + serial.String()}
	subject := []attribute{{country, "JP"}, stamp}
	if kind == Signing {
		subject = []attribute{{country, "JP"}, {locality, card.Prefecture}, {locality, card.City}, stamp}
		t.Policy, t.KeyUsage = jpki.PolicySigning, t.KeyUsage|x509.KeyUsageContentCommitment
		t.Particulars, err = particulars(card)
		if err != nil {
			return nil, err
		}
	}
	if t.Subject, err = marshalName(subject...); err != nil {
		return nil, err
	}
	t.Point, err = marshalName(c.authorities[kind].name(card.Prefecture, card.City)...)
	return t, err
}

// particulars returns the six in the order of real certificates: .1 .4 .3 .5 .2 .6.
func particulars(card Card) ([]Particular, error) {
	birth, err := jpki.BirthRaw(card.BirthDate)
	if err != nil {
		return nil, err
	}
	return []Particular{
		{1, card.Name}, {4, birth}, {3, string(card.Sex)}, {5, card.Address},
		{2, alt(card.NameAlt, card.Name)}, {6, alt(card.AddressAlt, card.Address)},
	}, nil
}

// fifthBirthday is the last moment of the fifth birthday after now.
func fifthBirthday(birth, now time.Time) time.Time {
	next := time.Date(now.Year(), birth.Month(), birth.Day(), 23, 59, 59, 0, now.Location())
	if !next.After(now) {
		next = next.AddDate(1, 0, 0)
	}
	return next.AddDate(4, 0, 0)
}

// issue makes a key and the certificate of the template.
func (c *CA) issue(kind Kind, t *Template) (Credential, error) {
	key, err := c.cardKey(t.KeyBits)
	if err != nil {
		return Credential{}, fmt.Errorf("making a card's key: %w", err)
	}
	extensions, err := t.extensions()
	if err != nil {
		return Credential{}, err
	}
	a := c.authorities[kind]
	cert := &x509.Certificate{
		SerialNumber: t.Serial, RawSubject: t.Subject, NotBefore: t.NotBefore, NotAfter: t.NotAfter,
		AuthorityKeyId: a.cert.SubjectKeyId, SignatureAlgorithm: t.Algorithm, ExtraExtensions: extensions,
		BasicConstraintsValid: t.IsCA, IsCA: t.IsCA,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return Credential{}, fmt.Errorf("issuing a certificate: %w", err)
	}
	if t.After != nil {
		der = t.After(der)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.points[string(t.Point)] = t.Point
	return Credential{key, der}, nil
}

func (c *CA) cardKey(bits int) (*rsa.PrivateKey, error) {
	if k := c.cfg.CardKey; k != nil && k.N.BitLen() == bits {
		return k, nil
	}
	return rsa.GenerateKey(rand.Reader, bits)
}

// extensions writes the extensions that the profile fixes.
func (t *Template) extensions() ([]pkix.Extension, error) {
	usage, err := keyUsage(t.KeyUsage, !t.KeyUsageLax)
	if err != nil {
		return nil, err
	}
	policy, err := policies(t.Policy)
	if err != nil {
		return nil, err
	}
	issuer, err := issuerAltName()
	if err != nil {
		return nil, err
	}
	all := []pkix.Extension{usage, policy, issuer}
	if t.Point != nil {
		all = append(all, crlPoints(t.Point))
	}
	if t.SAN == nil && len(t.Particulars) > 0 {
		if t.SAN, err = OtherNames(t.Particulars); err != nil {
			return nil, err
		}
	}
	if t.SAN != nil {
		all = append(all, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: t.SAN})
	}
	return append(all, t.Extra...), nil
}
