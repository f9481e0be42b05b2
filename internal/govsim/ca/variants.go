package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"time"

	"akashi/internal/format/jpki"
)

// Variant breaks one rule of the profile.
type Variant struct {
	Reason jpki.Reason // with which a verifier must refuse it
	Change func(*Template)
}

// Variants are the broken signing certificates that a card may carry, by name.
func Variants() map[string]Variant {
	all := particularVariants()
	for name, v := range profileVariants() {
		all[name] = v
	}
	return all
}

// profileVariants break what a certificate is.
func profileVariants() map[string]Variant {
	return map[string]Variant{
		"expired":            {jpki.Expired, func(t *Template) { t.NotAfter = t.NotBefore.Add(time.Hour) }},
		"not-yet-valid":      {jpki.NotYetValid, func(t *Template) { t.NotBefore = t.NotBefore.AddDate(1, 0, 0) }},
		"auth-policy":        {jpki.WrongPolicy, func(t *Template) { t.Policy = jpki.PolicyAuthentication }},
		"no-nonrepudiation":  {jpki.WrongKeyUsage, func(t *Template) { t.KeyUsage = x509.KeyUsageDigitalSignature }},
		"usage-not-critical": {jpki.WrongKeyUsage, func(t *Template) { t.KeyUsageLax = true }},
		"weak-key":           {jpki.WeakKey, func(t *Template) { t.KeyBits = 1024 }},
		"sha384":             {jpki.WrongAlgorithm, func(t *Template) { t.Algorithm = x509.SHA384WithRSA }},
		"is-ca":              {jpki.NotEndEntity, func(t *Template) { t.IsCA = true }},
		"no-crl-point":       {jpki.NoCRLPoint, func(t *Template) { t.Point = nil }},
		"forged":             {jpki.ForgedCertificate, func(t *Template) { t.After = spoilLastByte }},
		"trailing":           {jpki.MalformedCertificate, func(t *Template) { t.After = func(der []byte) []byte { return append(der, 0) } }},
		"critical-extension": {jpki.UnknownCritical, func(t *Template) {
			t.Extra = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 392, 99999, 1}, Critical: true, Value: []byte{5, 0}}}
		}},
	}
}

// particularVariants break what it says about the holder.
func particularVariants() map[string]Variant {
	with := func(number int, change func(string) string) func(*Template) {
		return func(t *Template) {
			for i := range t.Particulars {
				if t.Particulars[i].Number == number {
					t.Particulars[i].Text = change(t.Particulars[i].Text)
				}
			}
		}
	}
	to := func(text string) func(string) string { return func(string) string { return text } }
	return map[string]Variant{
		"no-particulars": {jpki.NoParticulars, func(t *Template) { t.Particulars = nil }},
		"no-address": {jpki.NoParticulars, func(t *Template) {
			t.Particulars = slices.DeleteFunc(t.Particulars, func(p Particular) bool { return p.Number == 5 })
		}},
		"name-twice":       {jpki.MalformedSAN, func(t *Template) { t.Particulars = append(t.Particulars, t.Particulars[0]) }},
		"control-char":     {jpki.MalformedSAN, with(5, func(s string) string { return s + "\u202e" })},
		"not-utf8":         {jpki.MalformedSAN, with(1, func(s string) string { return s[:len(s)-1] })},
		"short-name-flags": {jpki.AltLength, with(2, func(s string) string { return s[1:] })},
		"long-addr-flags":  {jpki.AltLength, with(6, func(s string) string { return s + "0" })},
		"strange-flags":    {jpki.MalformedAlt, with(2, func(s string) string { return "2" + s[1:] })},
		"no-such-day":      {jpki.BadBirthDate, with(4, to("420000230"))},
		"wrong-era":        {jpki.BadBirthDate, with(4, to("519850315"))},
		"no-such-sex":      {jpki.BadSex, with(3, to("4"))},
	}
}

// spoilLastByte changes the certificate's signature.
func spoilLastByte(der []byte) []byte {
	der = slices.Clone(der)
	der[len(der)-1] ^= 1
	return der
}
