package main

import (
	"bytes"
	"encoding/base64"
	"slices"
	"time"

	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/cose"
	"akashi/internal/format/jws"
	"akashi/internal/format/qr"
	"akashi/internal/format/sdjwt"
	"akashi/internal/verification"
)

// oldNode is what Node 18 needs to be told, which Debian 12 has.
const oldNode = "With Node 18 it is `node --experimental-global-webcrypto check.mjs`"

// sampleQR writes the texts of QR codes and their pictures: of the national profile, which has no place in a status list, so that only the
// register says whether it is in force, and of the compact one, which has.
func sampleQR(s *sample) error {
	message, err := s.message()
	if err != nil {
		return err
	}
	text := cose.URL(sampleSite+"/w/", message)
	picture, err := qr.SVG(text, qr.Options{Level: qr.Low, ID: "code", Title: "QR"})
	if err != nil {
		return err
	}
	i := bytes.Index(message, []byte(s.facts.Number))
	if i < 0 {
		return fault.New(fault.Internal, "", "the registration number is not in the message")
	}
	spoilt := slices.Clone(message)
	spoilt[i] ^= 1
	s.add("credential.txt", []byte(text+"\n"), "what the QR code holds", verification.CannotTell)
	s.add("credential.svg", []byte(picture), "the QR code", "")
	s.add("credential.cose", message, "the COSE_Sign1 message inside", verification.CannotTell)
	s.add("tampered.txt", []byte(base64.StdEncoding.EncodeToString(spoilt)+"\n"), "the message with another registration number", verification.Tampered)
	if err := s.places(".compact.txt", verification.RunOut, s.compact); err != nil {
		return err
	}
	small := string(bytes.TrimSpace(s.file("credential.compact.txt")))
	if picture, err = qr.SVG(small, qr.Options{Level: qr.Medium, ID: "compact", Title: "QR"}); err != nil {
		return err
	}
	s.add("credential.compact.svg", []byte(picture), "the QR code of the compact profile", "")
	s.add("tampered.compact.txt", []byte(spoilCompact(small)), "the compact code with one character of the signature changed", verification.Tampered)
	s.how = `
` + "`cannot_tell`" + ` over the good ones of the national profile means: signed by whom it names, unchanged; whether it is still in force only the register knows, since
this form has no place in a status list. The compact profile, whose files say so in their names, has one.

## Checking it

    akashi verify --trust trust.jwks.json credential.txt
    akashi verify --trust trust.jwks.json --status status-list.jwt credential.compact.txt

The signature is COSE_Sign1 (RFC 9052 §4.2) with ES256, the payload a map of two-letter labels to text; in the compact profile of small numbers:
1 the qualification, 2 the name, 4 the registration number, 10 the id, 13 the number of the status list and the place in it, 14 the end, 15 when it was signed. With Node
(` + "`npm install cose-kit jose cbor-x`" + `), in a file ` + "`check.mjs`" + ` beside this one:

    import { readFileSync } from 'node:fs';
    import { createRequire } from 'node:module';
    import { inflateSync } from 'node:zlib';
    import { compactVerify, importJWK } from 'jose';
    import { decode } from 'cbor-x';

    const { coseVerify } = createRequire(import.meta.url)('cose-kit');
    const file = readFileSync(process.argv[2]);
    const text = file.toString('latin1').trim();
    const code = text.startsWith('https:') ? /[?#]c=(.*)/.exec(text)[1] : text;
    const message = file[0] === 0xd2 ? file : Buffer.from(code, 'base64');
    const keys = JSON.parse(readFileSync('trust.jwks.json')).keys;
    const key = (kid) => importJWK(keys.find((k) => k.kid === kid), 'ES256');
    const { isValid, decoded } = await coseVerify(message, await key('sample-credential'));
    if (decoded.alg !== -7 || !isValid) throw new Error('the signature does not fit');
    const facts = decode(decoded.payload);
    let status = 0;
    if (facts[0] === 1) {
      if (facts[14] * 1000 < Date.now()) throw new Error('expired');
      const { payload } = await compactVerify(readFileSync('status-list.jwt', 'utf8'), await key('sample-status'), { algorithms: ['ES256'] });
      const list = JSON.parse(Buffer.from(payload).toString('utf8'));
      const [number, place] = facts[13];
      if (!list.sub.endsWith('/' + facts[10].slice(0, 4) + '/' + number) || list.exp * 1000 < Date.now()) throw new Error('not the list');
      const packed = inflateSync(Buffer.from(list.status_list.lst, 'base64url'));
      if (place >> 2 >= packed.length) throw new Error('the list has no such place');
      status = (packed[place >> 2] >> ((place & 3) * 2)) & 3;
    }
    console.log(['', 'revoked', 'suspended'][status] ?? 'cannot tell', facts);

` + "`node check.mjs credential.txt`" + ` prints the labels, and of the compact code first what the list says; those that were tampered with, have ended or have no place are refused.
` + oldNode + `. That the issuer's certificate is of the anchor:

    openssl verify -CAfile anchor.pem issuer.pem
`
	return nil
}

// compact is the text of a QR code of the compact profile, at a place in the list.
func (s *sample) compact(index int, expires *time.Time) (string, error) {
	m := cose.Compact{KID: s.issuer.KID, Facts: s.facts.Labels, Status: &cose.Place{List: 1, Index: index}, IssuedAt: s.now.Add(-time.Hour)}
	if expires != nil {
		m.ExpiresAt = *expires
	}
	toSign, err := m.EncodeCompact()
	if err != nil {
		return "", err
	}
	if m.Signature, err = raw(s.key)(toSign); err != nil {
		return "", err
	}
	message, err := m.Message()
	if err != nil {
		return "", err
	}
	return cose.CompactURL(sampleSite+"/w/", message)
}

// spoilCompact changes one character of the signature, with which the message ends.
func spoilCompact(text string) string {
	b := []byte(text)
	if at := len(b) - 10; b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

// message is the COSE_Sign1 message of the holder's QR code.
func (s *sample) message() ([]byte, error) {
	payload, err := cose.EncodePayload(s.facts.Labels)
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
	signature, err := raw(s.key)(toSign)
	if err != nil {
		return nil, err
	}
	return cose.Assemble(protected, s.issuer.KID, payload, signature)
}

// copies makes the same credential at the places of the list, and one that was tampered with.
func (s *sample) copies(suffix string, make func(index int, expires *time.Time) (string, error)) error {
	if err := s.places(suffix, verification.Expired, make); err != nil {
		return err
	}
	s.add("tampered"+suffix, []byte(spoil(string(s.file("credential"+suffix)))), "the credential with one character of what was signed changed", verification.Tampered)
	return s.ownerKey()
}

// places makes the same credential at the places of the list, and one whose own time has passed.
func (s *sample) places(suffix string, ended verification.Verdict, make func(index int, expires *time.Time) (string, error)) error {
	for _, c := range []struct {
		name, about string
		index       int
		verdict     verification.Verdict
	}{
		{"credential", "the credential", placeValid, verification.Valid},
		{"revoked", "another copy, whose place says revoked", placeRevoked, verification.Revoked},
		{"suspended", "another copy, whose place says suspended", placeSuspended, verification.Suspended},
		{"no-entry", "a copy whose place the list does not have", 1 << 20, verification.CannotTell},
	} {
		token, err := make(c.index, nil)
		if err != nil {
			return err
		}
		s.add(c.name+suffix, []byte(token), c.about, c.verdict)
	}
	past := s.now.Add(-time.Minute)
	expired, err := make(placeValid, &past)
	if err != nil {
		return err
	}
	s.add("expired"+suffix, []byte(expired), "a copy whose own time has passed", ended)
	return nil
}

// copy is a copy that was made now, or an hour ago when its time has passed.
func (s *sample) copy(expires *time.Time) form.Copy {
	made := s.now
	if expires != nil && expires.Before(made) {
		made = made.Add(-time.Hour)
	}
	return form.Copy{ID: "01934c2e-0000-7000-8000-000000000000", Site: sampleSite, Now: made, ExpiresAt: expires, Holder: &s.owner.PublicKey}
}

func sampleSDJWT(s *sample) error {
	err := s.copies(".sdjwt", func(index int, expires *time.Time) (string, error) {
		u, err := form.SDJWT(s.facts, s.issuer, s.place(index), s.copy(expires))
		if err != nil {
			return "", err
		}
		signature, err := raw(s.key)(u.ToSign)
		if err != nil {
			return "", err
		}
		return u.Assemble(signature)
	})
	if err != nil {
		return err
	}
	shown, err := sdjwt.Present(string(s.file("credential.sdjwt")), sdjwt.TypeVC, func(p sdjwt.Path) bool {
		return p[0] == "name" || p[0] == "registration_number"
	}, &sdjwt.Answer{Nonce: "sample-nonce", Audience: "https://verifier.example", At: s.now, Sign: raw(s.owner)})
	if err != nil {
		return err
	}
	s.add("presentation.sdjwt", []byte(shown), "name and registration number alone, bound to the nonce `sample-nonce` and the audience `https://verifier.example`", verification.Valid)
	document, _, err := form.TypeMetadata(sampleSite, s.facts.Qualification, s.facts.Title).Encode()
	if err != nil {
		return err
	}
	s.add("type-metadata.json", document, "metadata of the type, as it is published at the address in `vct`", "")
	s.how = `
## Checking it

    akashi verify --trust trust.jwks.json --status status-list.jwt credential.sdjwt

With Node (` + "`npm install @sd-jwt/sd-jwt-vc@0.19 @sd-jwt/crypto-nodejs@0.19`" + `), in a file ` + "`check.mjs`" + ` beside this one:

    import { readFileSync } from 'node:fs';
    import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
    import { ES256, digest } from '@sd-jwt/crypto-nodejs';

    const key = (kid) => JSON.parse(readFileSync('trust.jwks.json')).keys.find((k) => k.kid === kid);
    const instance = new SDJwtVcInstance({
      hasher: digest,
      verifier: await ES256.getVerifier(key('sample-credential')),
      statusVerifier: await ES256.getVerifier(key('sample-status')),
      statusListFetcher: async () => readFileSync('status-list.jwt', 'utf8'),
    });
    console.log((await instance.verify(readFileSync(process.argv[2], 'utf8'))).payload);

` + "`node check.mjs credential.sdjwt`" + ` prints the claims, ` + "`presentation.sdjwt`" + ` fewer of them; each of the others is refused. That the issuer's certificate is of the anchor:

    openssl verify -CAfile anchor.pem issuer.pem
`
	return nil
}

func sampleVC(s *sample) error {
	err := s.copies(".vc.jwt", func(index int, expires *time.Time) (string, error) {
		toSign, err := form.VC(s.facts, s.issuer, s.place(index), s.copy(expires))
		if err != nil {
			return "", err
		}
		signature, err := raw(s.key)(toSign)
		if err != nil {
			return "", err
		}
		return jws.Assemble(toSign, signature)
	})
	if err != nil {
		return err
	}
	document, err := form.Context(sampleSite)
	if err != nil {
		return err
	}
	s.add("context.json", document, "the terms, as they are published at the second address in `@context`", "")
	s.how = `
## Checking it

    akashi verify --trust trust.jwks.json --status status-list.jwt credential.vc.jwt

With Node (` + "`npm install jose`" + `), in a file ` + "`check.mjs`" + ` beside this one:

    import { readFileSync } from 'node:fs';
    import { inflateSync } from 'node:zlib';
    import * as jose from 'jose';

    const keys = JSON.parse(readFileSync('trust.jwks.json')).keys;
    const read = async (file, kid, typ) => {
      const key = await jose.importJWK(keys.find((k) => k.kid === kid), 'ES256');
      const { payload, protectedHeader } = await jose.compactVerify(readFileSync(file, 'utf8'), key, { algorithms: ['ES256'] });
      if (protectedHeader.typ !== typ) throw new Error('type');
      return JSON.parse(Buffer.from(payload).toString('utf8'));
    };
    const vc = await read(process.argv[2], 'sample-credential', 'vc+jwt');
    const list = await read('status-list.jwt', 'sample-status', 'statuslist+jwt');
    const { uri, idx } = vc.credentialStatus;
    if (list.sub !== uri || list.exp * 1000 < Date.now()) throw new Error('not the list');
    if (vc.validUntil && Date.parse(vc.validUntil) < Date.now()) throw new Error('expired');
    const packed = inflateSync(Buffer.from(list.status_list.lst, 'base64url'));
    if (idx >> 2 >= packed.length) throw new Error('the list has no such place');
    const status = (packed[idx >> 2] >> ((idx & 3) * 2)) & 3;
    console.log(['valid', 'revoked', 'suspended'][status] ?? 'cannot tell', vc.credentialSubject);

` + oldNode + `. That the issuer's certificate is of the anchor:

    openssl verify -CAfile anchor.pem issuer.pem
`
	return nil
}
