package cose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"math/big"
)

// Labels and values of a COSE_Key (RFC 9052 §7, RFC 9053 §7.1.1, RFC 8230 §4).
const (
	keyType       = 1
	keyID         = 2
	keyAlgorithm  = 3
	keyOperations = 4
	keyCurve      = -1
	keyX          = -2
	keyY          = -3
	keyModulus    = -1
	keyExponent   = -2

	typeEC2         = 2
	typeRSA         = 3
	operationVerify = 2
	curveP256       = 1
)

// Key is a public key to be published in a COSE_KeySet. More holds further parameters under text labels, which RFC 9052
// §7 leaves to the application: strings or lists of strings.
type Key struct {
	KID    string
	Public crypto.PublicKey
	More   map[string]any
}

// EncodeKeySet returns the keys as a COSE_KeySet in CBOR (RFC 9052 §7): an array of COSE_Key maps, each for verifying
// only. It fails with fault.Invalid and WrongKey for a key that no permitted algorithm takes.
func EncodeKeySet(keys []Key) ([]byte, error) {
	set := make([]map[any]any, 0, len(keys))
	for _, k := range keys {
		m, err := k.parameters()
		if err != nil {
			return nil, err
		}
		set = append(set, m)
	}
	return encode(set)
}

func (k Key) parameters() (map[any]any, error) {
	m := map[any]any{keyID: []byte(k.KID), keyOperations: []int{operationVerify}}
	for label, value := range k.More {
		m[label] = value
	}
	switch pub := k.Public.(type) {
	case *ecdsa.PublicKey:
		point, err := pub.Bytes() // 0x04, then both coordinates at full length (SEC 1 §2.3.3)
		if err != nil || len(point) != 65 {
			return nil, refuse(WrongKey, "publishing key %s, which is not on P-256", k.KID)
		}
		m[keyType], m[keyAlgorithm], m[keyCurve], m[keyX], m[keyY] = typeEC2, int64(ES256), curveP256, point[1:33], point[33:]
	case *rsa.PublicKey:
		m[keyType], m[keyAlgorithm], m[keyModulus], m[keyExponent] = typeRSA, int64(PS256), pub.N.Bytes(), big.NewInt(int64(pub.E)).Bytes()
	default:
		return nil, refuse(WrongKey, "publishing key %s of type %T", k.KID, k.Public)
	}
	return m, nil
}
