package verification

import (
	"errors"

	"akashi/internal/fault"
)

// Refusal is why a check without the service does not end in "valid", in one word. It stands in Result.Reason.
type Refusal string

const (
	// UnknownKey: the key that is named is not among those that are kept; it may be newer than they are.
	UnknownKey Refusal = "key_unknown"
	// WrongPurpose: a key for something else, e.g. one for status lists under a credential.
	WrongPurpose Refusal = "key_of_another_purpose"
	// Distrusted: nothing that the key signed is to be believed, whenever it did.
	Distrusted Refusal = "key_distrusted"
	// WrongRegister: a key of a body that does not keep the register in question.
	WrongRegister Refusal = "key_of_another_register"
	// OtherCertificate: the certificate that comes along is not of the key that is named.
	OtherCertificate Refusal = "certificate_of_another_key"
	// NoPlace: a form without a place in a status list, e.g. the national QR code: only the register knows its state.
	NoPlace Refusal = "no_place_in_a_list"
	// NoList: the list in which the state stands is not among those that are kept.
	NoList Refusal = "list_missing"
	// EndedList: the list that is kept has ended.
	EndedList Refusal = "list_ended"
	// BadList: the list that is kept is not to be believed: its signature, its key or its time.
	BadList Refusal = "list_not_believed"
	// NoEntry: the list does not have the place, or has a value there that nobody knows.
	NoEntry Refusal = "list_without_entry"
	// NotYet: what was signed is to hold from later on.
	NotYet Refusal = "not_valid_yet"
)

func (r Refusal) Error() string { return string(r) }

// refuse classifies a refusal: there is no such issuer. errors.Is finds the reason.
func refuse(r Refusal) error {
	return &fault.Error{Kind: fault.NotFound, Key: string(r), Doing: "checking by what is kept", Err: r}
}

// because notes the reason of an error, when it has one of ours.
func (r Result) because(err error) Result {
	var why Refusal
	if errors.As(err, &why) {
		r.Reason = string(why)
	}
	return r
}
