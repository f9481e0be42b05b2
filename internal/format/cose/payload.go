package cose

import (
	"fmt"
	"unicode"
)

// The labels of the payload, as read off a real credential by a third party (not published by the operator).
const (
	QualificationName  = "CN" // 資格名称
	HolderName         = "UN" // 氏名
	HolderBirthDate    = "UB" // 生年月日
	RegistrationNumber = "RN" // 登録番号
	RegistrationDate   = "RD" // 登録年月日
	IssueDate          = "ID" // 発行年月日
	IssuingBody        = "IA" // 交付機関
	IssuerName         = "IN" // 交付者名
	QualificationID    = "CI" // 資格ID
	CertificateID      = "DN" // 証明書ID
	KindCode           = "DT" // 種別コード
	HolderCode         = "UC" // 利用者コード
)

const (
	maxText    = 1024 // bytes of UTF-8 of one value
	maxFacts   = 32
	labelBytes = 2
)

// Labels returns the twelve labels of the profile in the order in which a page shows them.
func Labels() []string {
	return []string{
		QualificationName, HolderName, HolderBirthDate, RegistrationNumber, RegistrationDate, IssueDate,
		IssuingBody, IssuerName, QualificationID, CertificateID, KindCode, HolderCode,
	}
}

// EncodePayload returns the facts in CBOR. Labels are two capital letters; a holder may leave facts out. It fails with
// fault.Invalid and BadPayload on an empty map, another label, an empty value or a control character.
func EncodePayload(facts map[string]string) ([]byte, error) {
	if err := checkPayload(facts); err != nil {
		return nil, err
	}
	return appendFacts(make([]byte, 0, 512), facts), nil
}

// DecodePayload is the inverse of EncodePayload.
func DecodePayload(b []byte) (map[string]string, error) {
	facts, ok := readFacts(b)
	if !ok {
		if err := decode(b, &facts); err != nil {
			return nil, fmt.Errorf("reading the payload: %w", err)
		}
	}
	if err := checkPayload(facts); err != nil {
		return nil, err
	}
	return facts, nil
}

func checkPayload(facts map[string]string) error {
	if len(facts) == 0 {
		return refuse(BadPayload, "the payload is empty")
	}
	for label, text := range facts {
		if !isLabel(label) {
			return refuse(BadPayload, "the payload has the label %q", label)
		}
		if err := checkText(label, text); err != nil {
			return err
		}
	}
	return nil
}

func checkText(label, text string) error {
	if text == "" || len(text) > maxText {
		return refuse(BadPayload, "the value of %s has %d bytes", label, len(text))
	}
	for _, r := range text {
		if r == unicode.ReplacementChar || unicode.IsControl(r) {
			return refuse(BadPayload, "the value of %s has the character %U", label, r)
		}
	}
	return nil
}

func isLabel(s string) bool {
	return len(s) == labelBytes && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}
