package statuslist_test

import (
	"akashi/internal/format/formattest"
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"akashi/internal/fault"
	"akashi/internal/format/jws"
	"akashi/internal/format/statuslist"

	"github.com/fxamacker/cbor/v2"
	gocose "github.com/veraison/go-cose"
	"pgregory.net/rapid"
)

const address = "https://verify.example.jp/status/nurse/1"

func now() time.Time { return time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC) }

func claims() statuslist.Claims {
	return statuslist.Claims{Subject: address, IssuedAt: now(), ExpiresAt: now().Add(24 * time.Hour), TTL: 5 * time.Minute}
}

func expected() statuslist.Expect {
	return statuslist.Expect{Subject: address, Now: now().Add(time.Minute), Skew: time.Minute}
}

func signer(key *ecdsa.PrivateKey) statuslist.Signer {
	return statuslist.Signer{KID: "S-1", Sign: formattest.Signer(key)}
}

func always(key crypto.PublicKey) statuslist.KeyFor {
	return func(string, []*x509.Certificate) (crypto.PublicKey, error) { return key, nil }
}

func small(t testing.TB) *statuslist.List {
	t.Helper()
	l := formattest.Must[*statuslist.List](t)(statuslist.New(1000, 2))
	for index, s := range map[int]statuslist.Status{3: statuslist.Invalid, 999: statuslist.Suspended} {
		if err := l.Set(index, s); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func jwtOf(t testing.TB, l *statuslist.List, c statuslist.Claims, key *ecdsa.PrivateKey) string {
	t.Helper()
	jwt, _, err := l.Sign(c, signer(key))
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

func cwtOf(t testing.TB, l *statuslist.List, c statuslist.Claims, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	_, cwt, err := l.Sign(c, signer(key))
	if err != nil {
		t.Fatal(err)
	}
	return cwt
}

// The lists of draft appendix C.1 to C.3, of 2^20 entries, packed by zlib as there.
func TestVectorsOfTheDraft(t *testing.T) {
	raw := formattest.Must[[]byte](t)(os.ReadFile("testdata/draft20-appendix-c.json"))
	var vectors []struct {
		Bits int                          `json:"bits"`
		Set  map[string]statuslist.Status `json:"set"`
		List string                       `json:"lst"`
	}
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(strconv.Itoa(v.Bits), func(t *testing.T) {
			packed := formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString(v.List))
			theirs := formattest.Must[*statuslist.List](t)(statuslist.Unpack(packed, v.Bits))
			ours := formattest.Must[*statuslist.List](t)(statuslist.New(1<<20, v.Bits))
			if theirs.Len() != 1<<20 {
				t.Errorf("%d entries", theirs.Len())
			}
			for index, s := range v.Set {
				if err := ours.Set(formattest.Must[int](t)(strconv.Atoi(index)), s); err != nil {
					t.Fatal(err)
				}
			}
			for i := range ours.Len() {
				a, _ := ours.Get(i)
				b, err := theirs.Get(i)
				if a != b || err != nil {
					t.Fatalf("entry %d: ours %d, theirs %d (%v)", i, a, b, err)
				}
			}
		})
	}
}

// The two arrays of draft §4.1.
func TestOrderOfBits(t *testing.T) {
	for _, c := range []struct {
		bits   int
		states []statuslist.Status
		packed string
		json   string
	}{
		{1, []statuslist.Status{1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1}, "b9a3", "eNrbuRgAAhcBXQ"},
		{2, []statuslist.Status{1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3}, "c944f9", "eNo76fITAAPfAgc"},
	} {
		l := formattest.Must[*statuslist.List](t)(statuslist.Unpack(formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString(c.json)), c.bits))
		mine := formattest.Must[*statuslist.List](t)(statuslist.New(len(c.states), c.bits))
		for i, want := range c.states {
			if got, err := l.Get(i); err != nil || got != want {
				t.Errorf("%d bits, entry %d: %d, %v; want %d", c.bits, i, got, err, want)
			}
			if err := mine.Set(i, want); err != nil {
				t.Error(err)
			}
		}
		r := formattest.Must[interface{ Read([]byte) (int, error) }](t)(zlib.NewReader(bytes.NewReader(formattest.Must[[]byte](t)(mine.Pack()))))
		var plain bytes.Buffer
		_, _ = plain.ReadFrom(r)
		if got := hex.EncodeToString(plain.Bytes()); got != c.packed {
			t.Errorf("%d bits: packed %s, want %s", c.bits, got, c.packed)
		}
	}
}

// The token of draft §5.2: its structure is read as far as its key, which the draft does not print.
func TestTokenOfTheDraft(t *testing.T) {
	token := formattest.Must[[]byte](t)(hex.DecodeString("d2845820a2012610781a6170706c69636174696f6e2f7374617475736c6973742b63" +
		"7774a1044231325850a502782168747470733a2f2f6578616d706c652e636f6d2f7374617475736c697374732f31061a648c5bea041a8898dfea19" +
		"fffe19a8c019fffda2646269747301636c73744a78dadbb918000217015d584093fa4d01032b18c35e2fe1101b77fd6cc9440022caa4694450c4e4" +
		"e9feab4e99d1fa6d9772ce2bf3a12e0323ded7c982c5e101a5e67f0cbc1e2b6f57ce99c279"))
	unknown := errors.New("another issuer's key")
	named := ""
	_, err := statuslist.ReadCWT(token, func(kid string, _ []*x509.Certificate) (crypto.PublicKey, error) {
		named = kid
		return nil, unknown
	}, expected())
	if named != "12" || !errors.Is(err, unknown) {
		t.Errorf("read kid %q, %v", named, err)
	}
	if _, err := statuslist.ReadCWT(token, always(&formattest.Key(t).PublicKey), expected()); !errors.Is(err, statuslist.BadSignature) {
		t.Errorf("with another key: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	key := formattest.Key(t)
	l := small(t)
	check := func(form string, got *statuslist.Token, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", form, err)
		}
		if got.Claims != claims() || got.KID != "S-1" || got.List.Len() != 1000 || got.List.Bits() != 2 {
			t.Errorf("%s: read %+v, kid %q, %d entries", form, got.Claims, got.KID, got.List.Len())
		}
		for index, want := range map[int]statuslist.Status{0: 0, 3: statuslist.Invalid, 999: statuslist.Suspended} {
			if s, err := got.List.Get(index); err != nil || s != want {
				t.Errorf("%s: entry %d is %d, %v", form, index, s, err)
			}
		}
	}
	token, err := statuslist.ReadJWT(jwtOf(t, l, claims(), key), always(&key.PublicKey), expected())
	check("JWT", token, err)
	token, err = statuslist.ReadCWT(cwtOf(t, l, claims(), key), always(&key.PublicKey), expected())
	check("CWT", token, err)
}

// Another implementation of COSE reads what we sign, and the claims in it have the labels of draft §5.2.
func TestOurCWTInAnotherImplementation(t *testing.T) {
	key := formattest.Key(t)
	var theirs gocose.Sign1Message
	if err := theirs.UnmarshalCBOR(cwtOf(t, small(t), claims(), key)); err != nil {
		t.Fatal(err)
	}
	verifier := formattest.Must[gocose.Verifier](t)(gocose.NewVerifier(gocose.AlgorithmES256, &key.PublicKey))
	if err := theirs.Verify(nil, verifier); err != nil {
		t.Fatal(err)
	}
	if typ := theirs.Headers.Protected[int64(16)]; typ != statuslist.MediaCWT {
		t.Errorf("the type is %v", typ)
	}
	var claims map[int64]any
	if err := cbor.Unmarshal(theirs.Payload, &claims); err != nil {
		t.Fatal(err)
	}
	if claims[2] != address || claims[6] != uint64(now().Unix()) || claims[65534] != uint64(300) || claims[65533] == nil {
		t.Errorf("claims %v", claims)
	}
}

// token builds a JWT of any header and claims, signed or not.
func token(t testing.TB, key *ecdsa.PrivateKey, header, claims string) string {
	t.Helper()
	b64 := base64.RawURLEncoding.EncodeToString
	toSign := b64([]byte(header)) + "." + b64([]byte(claims))
	return toSign + "." + b64(formattest.Must[[]byte](t)(signer(key).Sign([]byte(toSign))))
}

func TestJWTRefusals(t *testing.T) {
	key, p384 := formattest.Key(t), formattest.Must[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	const header = `{"alg":"ES256","typ":"statuslist+jwt","kid":"S-1"}`
	iat, exp := strconv.FormatInt(now().Unix(), 10), strconv.FormatInt(now().Add(time.Hour).Unix(), 10)
	good := `{"sub":"` + address + `","iat":` + iat + `,"exp":` + exp + `,"ttl":300,"status_list":{"bits":2,"lst":"eNo76fITAAPfAgc"}}`
	swap := func(old, new string) string { return token(t, key, header, strings.Replace(good, old, new, 1)) }
	zeros := formattest.Must[*statuslist.List](t)(statuslist.New(1, 8))
	later := func(c statuslist.Claims) string { return jwtOf(t, zeros, c, key) }
	if _, err := statuslist.ReadJWT(token(t, key, header, good), always(&key.PublicKey), expected()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		token string
		key   crypto.PublicKey
		want  error
	}{
		{"another key", token(t, formattest.Key(t), header, good), &key.PublicKey, jws.BadSignature},
		{"another curve", token(t, key, header, good), &p384.PublicKey, jws.WrongKey},
		{"no algorithm", token(t, key, `{"alg":"none","typ":"statuslist+jwt"}`, good), &key.PublicKey, jws.WrongAlgorithm},
		{"HMAC with the public key", token(t, key, `{"alg":"HS256","typ":"statuslist+jwt"}`, good), &key.PublicKey, jws.WrongAlgorithm},
		{"no type", token(t, key, `{"alg":"ES256"}`, good), &key.PublicKey, jws.WrongType},
		{"the type of a credential", token(t, key, `{"alg":"ES256","typ":"dc+sd-jwt"}`, good), &key.PublicKey, jws.WrongType},
		{"critical header", token(t, key, `{"alg":"ES256","typ":"statuslist+jwt","crit":["x"],"x":1}`, good), &key.PublicKey, jws.UnknownHeader},
		{"header twice", token(t, key, `{"alg":"ES256","alg":"ES256","typ":"statuslist+jwt"}`, good), &key.PublicKey, jws.Duplicate},
		{"claim twice", swap(`"ttl":300`, `"ttl":300,"sub":"`+address+`"`), &key.PublicKey, jws.Duplicate},
		{"another address", swap(address, address+"0"), &key.PublicKey, statuslist.WrongSubject},
		{"no address", swap(`"sub":"`+address+`",`, ``), &key.PublicKey, statuslist.WrongSubject},
		{"no time", swap(`"iat":`+iat+`,`, ``), &key.PublicKey, statuslist.Malformed},
		{"no end", swap(`"exp":`+exp+`,`, ``), &key.PublicKey, statuslist.NoEnd},
		{"time as text", swap(iat, `"`+iat+`"`), &key.PublicKey, statuslist.Malformed},
		{"from the future", later(statuslist.Claims{Subject: address, IssuedAt: now().Add(time.Hour), ExpiresAt: now().Add(2 * time.Hour)}), &key.PublicKey, statuslist.FromTheFuture},
		{"ended", later(statuslist.Claims{Subject: address, IssuedAt: now().Add(-time.Hour), ExpiresAt: now()}), &key.PublicKey, statuslist.Ended},
		{"not yet", swap(`"ttl":300`, `"ttl":300,"nbf":`+exp), &key.PublicKey, statuslist.Malformed},
		{"negative ttl", swap(`"ttl":300`, `"ttl":-1`), &key.PublicKey, statuslist.Malformed},
		{"three bits", swap(`"bits":2`, `"bits":3`), &key.PublicKey, statuslist.WrongBits},
		{"no bits", swap(`"bits":2,`, ``), &key.PublicKey, statuslist.WrongBits},
		{"no list", swap(`"lst":"eNo76fITAAPfAgc"`, `"list":1`), &key.PublicKey, statuslist.Malformed},
		{"base64 with padding", swap(`fAgc"`, `fAgc="`), &key.PublicKey, statuslist.Malformed},
		{"broken checksum", swap(`fAgc"`, `fAgg"`), &key.PublicKey, statuslist.Malformed},
		{"too long", strings.Repeat("a", statuslist.MaxToken+1), &key.PublicKey, jws.TooLong},
		{"two parts", "e30.e30", &key.PublicKey, jws.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := statuslist.ReadJWT(c.token, always(c.key), expected()); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// cwt builds a message of any headers and claims.
func cwt(t testing.TB, key *ecdsa.PrivateKey, tag byte, protected, unprotected, claims any) []byte {
	t.Helper()
	enc := func(v any) []byte { return formattest.Must[[]byte](t)(cbor.Marshal(v)) }
	return rawCWT(t, key, tag, enc(protected), enc(unprotected), enc(claims))
}

// rawCWT signs whatever it is given. What is no CBOR makes a message that is none.
func rawCWT(t testing.TB, key *ecdsa.PrivateKey, tag byte, protected, unprotected, payload []byte) []byte {
	t.Helper()
	enc := func(v any) []byte { return formattest.Must[[]byte](t)(cbor.Marshal(v)) }
	signature := formattest.Must[[]byte](t)(signer(key).Sign(enc([]any{"Signature1", protected, []byte{}, payload})))
	out := slices.Concat([]byte{0xc0 | tag, 0x84}, enc(protected), unprotected, enc(payload), enc(signature))
	return out
}

func TestCWTRefusals(t *testing.T) {
	key := formattest.Key(t)
	type m = map[int64]any
	list := formattest.Must[[]byte](t)(base64.RawURLEncoding.DecodeString("eNo76fITAAPfAgc"))
	header := m{1: -7, 16: statuslist.MediaCWT}
	hint := m{4: []byte("S-1")}
	body := func(change m) m {
		out := m{2: address, 6: now().Unix(), 4: now().Add(time.Hour).Unix(), 65533: map[string]any{"bits": 2, "lst": list}}
		for k, v := range change {
			if out[k] = v; v == nil {
				delete(out, k)
			}
		}
		return out
	}
	if _, err := statuslist.ReadCWT(cwt(t, key, 18, header, hint, body(nil)), always(&key.PublicKey), expected()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		token []byte
		want  statuslist.Refusal
	}{
		{"another key", cwt(t, formattest.Key(t), 18, header, hint, body(nil)), statuslist.BadSignature},
		{"MAC", cwt(t, key, 17, header, hint, body(nil)), statuslist.Malformed},
		{"the tag of a CWT", formattest.Must[[]byte](t)(cbor.Marshal(cbor.Tag{Number: 61, Content: 1})), statuslist.Malformed},
		{"another algorithm", cwt(t, key, 18, m{1: 5, 16: statuslist.MediaCWT}, hint, body(nil)), statuslist.BadSignature},
		{"no type", cwt(t, key, 18, m{1: -7}, hint, body(nil)), statuslist.WrongType},
		{"type of an earlier draft", cwt(t, key, 18, m{1: -7, 16: "statuslist+cwt"}, hint, body(nil)), statuslist.WrongType},
		{"unknown protected header", cwt(t, key, 18, m{1: -7, 16: statuslist.MediaCWT, 99: 1}, hint, body(nil)), statuslist.Malformed},
		{"unknown header", cwt(t, key, 18, header, m{99: 1}, body(nil)), statuslist.Malformed},
		{"status at the label of a credential's", cwt(t, key, 18, header, hint, body(m{65533: nil, 65535: map[string]any{"bits": 2, "lst": list}})), statuslist.WrongBits},
		{"another address", cwt(t, key, 18, header, hint, body(m{2: address + "0"})), statuslist.WrongSubject},
		{"no time", cwt(t, key, 18, header, hint, body(m{6: nil})), statuslist.Malformed},
		{"no end", cwt(t, key, 18, header, hint, body(m{4: nil})), statuslist.NoEnd},
		{"ended", cwt(t, key, 18, header, hint, body(m{4: now().Unix()})), statuslist.Ended},
		{"from the future", cwt(t, key, 18, header, hint, body(m{6: now().Add(30 * time.Minute).Unix()})), statuslist.FromTheFuture},
		{"broken list", cwt(t, key, 18, header, hint, body(m{65533: map[string]any{"bits": 2, "lst": list[1:]}})), statuslist.Malformed},
		{"too long", make([]byte, statuslist.MaxToken+1), statuslist.TooLong},
		{"bytes behind", append(cwt(t, key, 18, header, hint, body(nil)), 0), statuslist.Malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := statuslist.ReadCWT(c.token, always(&key.PublicKey), expected()); !errors.Is(err, c.want) || !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// A hundred megabytes of zeros are a hundred kilobytes when packed.
func TestBomb(t *testing.T) {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	zeros := make([]byte, 1<<20)
	for range 100 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := statuslist.Unpack(packed.Bytes(), 2); !errors.Is(err, statuslist.TooLong) {
		t.Errorf("%d bytes packed: %v", packed.Len(), err)
	}
	behind := append(formattest.Must[[]byte](t)(small(t).Pack()), 0)
	if _, err := statuslist.Unpack(behind, 2); !errors.Is(err, statuslist.Malformed) {
		t.Errorf("a byte behind the stream: %v", err)
	}
}

func TestBounds(t *testing.T) {
	l := small(t)
	for _, index := range []int{-1, 1000, 1 << 40} {
		if _, err := l.Get(index); !errors.Is(err, statuslist.OutOfBounds) {
			t.Errorf("entry %d: %v", index, err)
		}
		if err := l.Set(index, statuslist.Invalid); !errors.Is(err, statuslist.OutOfBounds) {
			t.Errorf("entry %d: %v", index, err)
		}
	}
	if err := l.Set(0, 4); !errors.Is(err, statuslist.WrongBits) {
		t.Errorf("a state of three bits: %v", err)
	}
	if _, err := statuslist.New(0, 2); !errors.Is(err, statuslist.TooLong) {
		t.Errorf("no entries: %v", err)
	}
	if _, err := statuslist.New(statuslist.MaxBytes*4+1, 2); !errors.Is(err, statuslist.TooLong) {
		t.Errorf("too many entries: %v", err)
	}
	if _, err := statuslist.New(8, 3); !errors.Is(err, statuslist.WrongBits) {
		t.Errorf("three bits: %v", err)
	}
}

func TestFresh(t *testing.T) {
	c := claims()
	for _, x := range []struct {
		fetched, now time.Duration
		want         bool
	}{{0, 0, true}, {0, 5 * time.Minute, true}, {0, 5*time.Minute + time.Second, false}, {24 * time.Hour, 24 * time.Hour, false}} {
		if got := c.Fresh(now().Add(x.fetched), now().Add(x.now)); got != x.want {
			t.Errorf("fetched at %v, used at %v: %t", x.fetched, x.now, got)
		}
	}
	if _, _, err := small(t).Sign(statuslist.Claims{Subject: address}, signer(formattest.Key(t))); !errors.Is(err, fault.Internal) {
		t.Errorf("signing without times: %v", err)
	}
}

func TestWhateverIsSetIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bits := rapid.SampledFrom([]int{1, 2, 4, 8}).Draw(t, "bits")
		states := rapid.SliceOfN(rapid.IntRange(0, 1<<bits-1), 1, 300).Draw(t, "states")
		l, err := statuslist.New(len(states), bits)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range states {
			if err := l.Set(i, 1<<bits-1); err != nil {
				t.Fatal(err)
			}
			if err := l.Set(i, statuslist.Status(s)); err != nil {
				t.Fatal(err)
			}
		}
		packed, err := l.Pack()
		if err != nil {
			t.Fatal(err)
		}
		again, err := statuslist.Unpack(packed, bits)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range states {
			if got, err := again.Get(i); err != nil || got != statuslist.Status(s) {
				t.Fatalf("entry %d is %d, %v", i, got, err)
			}
		}
	})
}

// FuzzReadJWT and FuzzReadCWT sign whatever they are given, so that the reading goes past the signature.
func FuzzReadJWT(f *testing.F) {
	key := formattest.Key(f)
	parts := strings.Split(jwtOf(f, small(f), claims(), key), ".")
	f.Add(string(formattest.Must[[]byte](f)(jws.Decode64(parts[0]))), string(formattest.Must[[]byte](f)(jws.Decode64(parts[1]))))
	f.Fuzz(func(t *testing.T, header, claims string) {
		judge(t)(statuslist.ReadJWT(token(t, key, header, claims), always(&key.PublicKey), expected()))
	})
}

func FuzzReadCWT(f *testing.F) {
	key := formattest.Key(f)
	var message struct {
		_           struct{} `cbor:",toarray"`
		Protected   []byte
		Unprotected cbor.RawMessage
		Payload     []byte
		Signature   []byte
	}
	if err := cbor.Unmarshal(cwtOf(f, small(f), claims(), key)[1:], &message); err != nil {
		f.Fatal(err)
	}
	f.Add(message.Protected, []byte(message.Unprotected), message.Payload)
	f.Fuzz(func(t *testing.T, protected, unprotected, payload []byte) {
		judge(t)(statuslist.ReadCWT(rawCWT(t, key, 18, protected, unprotected, payload), always(&key.PublicKey), expected()))
	})
}

func judge(t *testing.T) func(*statuslist.Token, error) {
	return func(l *statuslist.Token, err error) {
		switch {
		case err != nil && !errors.Is(err, fault.Invalid):
			t.Errorf("an unclassified error: %v", err)
		case err == nil && (l.List.Len() == 0 || l.Subject != address):
			t.Error("a list without entries, or of another address, was read")
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(formattest.Must[[]byte](f)(small(f).Pack()), 2)
	f.Fuzz(func(t *testing.T, packed []byte, bits int) {
		l, err := statuslist.Unpack(packed, bits)
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("an unclassified error: %v", err)
			}
			return
		}
		if _, err := l.Get(l.Len() - 1); err != nil {
			t.Error(err)
		}
	})
}

// A million entries of which one in fifty is not valid.
func BenchmarkMillion(b *testing.B) {
	key := formattest.Key(b)
	random := mathrand.New(mathrand.NewPCG(1, 2))
	for b.Loop() {
		l := formattest.Must[*statuslist.List](b)(statuslist.New(1<<20, 2))
		for range 1 << 20 / 50 {
			if err := l.Set(random.IntN(1<<20), statuslist.Invalid); err != nil {
				b.Fatal(err)
			}
		}
		if _, _, err := l.Sign(claims(), signer(key)); err != nil {
			b.Fatal(err)
		}
	}
}
