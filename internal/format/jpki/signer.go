// Package jpki reads and checks what the signing certificate of Japan's national ID card (公的個人認証サービス, Japanese
// Public Key Infrastructure) says: who signed, with which certificate, and whether the signature may be relied on.
//
// The certificate carries the four basic particulars (基本4情報: name, sex, birth date, address) as otherNames of its
// subjectAltName. Characters outside JIS X 0208 and JIS X 0212 are replaced there, and the places of the replacements
// are flagged (代替文字使用位置), so that a name in the certificate may differ from the resident record without being
// another name; Signer.SamePerson compares with that in mind.
//
// Verifier makes every check and names each failure by a Reason. It reaches no network itself: certificate revocation
// lists come from a function, because by law (公的個人認証法 17条) only notified bodies may obtain them.
//
// Sources: 「署名用電子証明書及び利用者証明用電子証明書のプロファイル仕様書」 (J-LIS) as quoted by several independent
// readers, and dumps of real certificates; RFC 5280 for certificates and lists, RFC 8017 §8.2 for the signature.
package jpki

import "time"

// Sex is the code of the certificate: 1 male, 2 female, 3 unknown.
type Sex string

// The codes of Sex.
const (
	Male       Sex = "1"
	Female     Sex = "2"
	SexUnknown Sex = "3"
)

// Signer is what a signing certificate says about its holder and itself.
type Signer struct {
	Name       string // family and given name, separated by U+3000
	NameAlt    string // one 0 or 1 per character of Name; 1 = this character replaces another
	Sex        Sex
	BirthDate  string // YYYY-MM-DD; empty when the certificate gives the era as unknown
	BirthRaw   string // EYYYYMMDD as in the certificate, E = 1 Meiji .. 5 Reiwa, 0 unknown
	Address    string // from the prefecture on, without postcode, at most 200 characters
	AddressAlt string // as NameAlt, for Address
	Serial     string // serial number, hexadecimal, lower case, no leading zeros
	Issuer     string // RFC 2253 form
	NotBefore  time.Time
	NotAfter   time.Time
}

// Particulars are the four basic particulars as another source states them, to compare a Signer with.
type Particulars struct {
	Name      string
	BirthDate string // YYYY-MM-DD
	Sex       Sex
	Address   string // empty: not compared
}
