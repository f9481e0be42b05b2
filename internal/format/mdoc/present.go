package mdoc

import (
	"fmt"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"akashi/internal/format/cose"
)

// Wanted are the elements that a holder shows, by name space.
type Wanted map[string][]string

// Present answers a reader as a holder's device does: one document with the wanted elements, signed by the holder's key over
// the session. sign signs bytes by ES256 and returns r and s in 64 bytes. An element that the document does not have is
// refused with MissingDigest.
func Present(issued []byte, wanted Wanted, transcript []byte, sign func(toSign []byte) ([]byte, error)) ([]byte, error) {
	s, err := ParseIssuerSigned(issued)
	if err != nil {
		return nil, err
	}
	shown, err := s.only(wanted)
	if err != nil {
		return nil, err
	}
	auth, err := cose.AssembleChained(s.auth.Protected, s.auth.Chain, s.auth.Payload, s.auth.Signature)
	if err != nil {
		return nil, err
	}
	issuer, err := cose.Encode(issuerSigned{NameSpaces: shown, IssuerAuth: auth})
	if err != nil {
		return nil, err
	}
	signature, err := signDevice(s.DocType, transcript, sign)
	if err != nil {
		return nil, err
	}
	return cose.Encode(map[string]any{"version": version, "status": 0, "documents": []any{map[string]any{
		"docType": s.DocType, "issuerSigned": cbor.RawMessage(issuer),
		"deviceSigned": map[string]any{"nameSpaces": cbor.RawMessage(noNameSpaces), "deviceAuth": map[string]any{"deviceSignature": cbor.RawMessage(signature)}},
	}}})
}

// noNameSpaces is an empty map inside tag 24.
var noNameSpaces = []byte{0xd8, tagEmbedded, 0x41, 0xa0}

func (s *IssuerSigned) only(wanted Wanted) (map[string][]cbor.RawMessage, error) {
	shown := map[string][]cbor.RawMessage{}
	for space, names := range wanted {
		for _, name := range names {
			at := slices.IndexFunc(s.Items, func(i Item) bool { return i.NameSpace == space && i.Name == name })
			if at < 0 {
				return nil, refuse(MissingDigest, "showing an element that the document does not have")
			}
			shown[space] = append(shown[space], s.Items[at].raw)
		}
	}
	return shown, nil
}

// signDevice makes the holder's signature, with its payload detached.
func signDevice(docType string, transcript []byte, sign func([]byte) ([]byte, error)) ([]byte, error) {
	payload, err := deviceAuthentication(transcript, docType, []byte{0xa0})
	if err != nil {
		return nil, err
	}
	protected, err := cose.EncodeProtected(cose.ES256)
	if err != nil {
		return nil, err
	}
	toSign, err := cose.ToBeSigned(protected, payload)
	if err != nil {
		return nil, err
	}
	signature, err := sign(toSign)
	if err != nil {
		return nil, fmt.Errorf("signing for the holder: %w", err)
	}
	return cose.AssembleChained(protected, nil, nil, signature)
}
