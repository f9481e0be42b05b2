package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"slices"
	"strings"
	"time"

	"akashi/internal/connector/signer"
	"akashi/internal/credential/form"
	"akashi/internal/fault"
	"akashi/internal/format/mdoc"
	"akashi/internal/verification"
)

// sampleSession is the question that the sample's presentation answers (OpenID4VP 1.0, appendix B.2.6.1).
var sampleSession = mdoc.Session{ClientID: "x509_san_dns:verifier.example", Nonce: "sample-nonce", ResponseURI: "https://verifier.example/answer"}

// sampleMDoc writes the issuer-signed part of a mobile document, as a wallet is given it, at the places of the list, and one
// presentation of it.
func sampleMDoc(s *sample) error {
	key, chain, err := s.certified("sample-mdoc", "mdoc")
	if err != nil {
		return err
	}
	issuer := s.issuer
	issuer.KID, issuer.Public, issuer.Chain = "sample-mdoc", &key.PublicKey, chain
	make := func(index int, expires *time.Time) (string, error) {
		what, err := form.MDoc(s.facts, issuer, s.place(index), s.copy(expires))
		if err != nil {
			return "", err
		}
		draft, err := what.Compose(rand.Reader)
		if err != nil {
			return "", err
		}
		signature, err := raw(key)(draft.ToSign)
		if err != nil {
			return "", err
		}
		signed, err := draft.Complete(signature)
		return string(signed), err
	}
	s.judge = s.judgeMDoc
	if err := s.places(".mdoc", verification.Expired, make); err != nil {
		return err
	}
	s.add("signer.pem", certificatePEM(chain[0]), "certificate of the document signer; it also stands in every document", "")
	if err := s.spoiltMDoc(); err != nil {
		return err
	}
	if err := s.ownerKey(); err != nil {
		return err
	}
	s.how = mdocHow
	return s.presentMDoc()
}

// spoiltMDoc writes the document with another name in it, of the same length.
func (s *sample) spoiltMDoc() error {
	spoilt := slices.Clone(s.file("credential.mdoc"))
	i := bytes.Index(spoilt, []byte(s.facts.HolderName))
	if i < 0 {
		return fault.New(fault.Internal, "", "the holder's name is not in the document")
	}
	copy(spoilt[i:], strings.Repeat("某", len(s.facts.HolderName)/3))
	s.add("tampered.mdoc", spoilt, "the document with another name", verification.Tampered)
	return nil
}

// presentMDoc writes a device response that shows two elements in a session.
func (s *sample) presentMDoc() error {
	transcript, err := sampleSession.Transcript()
	if err != nil {
		return err
	}
	wanted := mdoc.Wanted{form.DocType: {"name", "registration_number"}}
	response, err := mdoc.Present(s.file("credential.mdoc"), wanted, transcript, raw(s.owner))
	if err != nil {
		return err
	}
	docs, err := mdoc.ParseResponse(response)
	if err != nil {
		return err
	}
	if err := docs[0].CheckDevice(transcript); err != nil {
		return err
	}
	other := sampleSession
	other.Nonce = "another-nonce"
	elsewhere, err := other.Transcript()
	if err != nil {
		return err
	}
	s.add("presentation.response", response, "device response with name and registration number alone, signed by the holder's key for the session", "")
	s.add("session-transcript.cbor", transcript, "the session of the presentation: client id `"+sampleSession.ClientID+"`, nonce `"+sampleSession.Nonce+"`, response address `"+
		sampleSession.ResponseURI+"`", "")
	s.add("another-transcript.cbor", elsewhere, "a session with another nonce, for which the presentation was not made", "")
	return nil
}

func (s *sample) judgeMDoc(trust *verification.Trust, content []byte) verification.Result {
	r, _ := trust.Check(verification.MDocText(content), s.now)
	return r
}

// certified makes and publishes a key of the sample's registrar for a purpose, with its certificates.
func (s *sample) certified(kid, purpose string) (*ecdsa.PrivateKey, []*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, err, "making a key")
	}
	chain, err := s.ca.Issue(signer.Key{KID: kid, Registrar: s.issuer.Registrar, Purpose: purpose, Public: &key.PublicKey}, s.issuer.Name.JA, s.now)
	if err != nil {
		return nil, nil, err
	}
	return key, chain, s.publish(kid, purpose, &key.PublicKey, chain)
}

const mdocHow = `
The files ` + "`*.mdoc`" + ` hold the part that the issuer signed (IssuerSigned, ISO/IEC 18013-5 §8.3.2.1.2.2) as CBOR; a wallet is given the same bytes in
base64url. The document's type and the name space of its elements are ` + "`" + form.DocType + "`" + `.

## Checking it

    akashi verify --trust trust.jwks.json --status status-list.cwt credential.mdoc

With Node (` + "`npm install @auth0/mdl@3.0.1 jose`" + `), in a file ` + "`check.mjs`" + ` beside this one. That library reads answers of a holder's device, so
the issuer's part is put into one that no device has signed:

    import { readFileSync } from 'node:fs';
    import { inflateSync } from 'node:zlib';
    import { Verifier } from '@auth0/mdl';
    import * as jose from 'jose';

    const type = '` + form.DocType + `';
    const text = (s) => Buffer.concat([Buffer.from(s.length < 24 ? [0x60 + s.length] : [0x78, s.length]), Buffer.from(s)]);
    const wrapped = (part) => Buffer.concat([Buffer.from([0xa3]), text('version'), text('1.0'), text('status'), Buffer.from([0]),
      text('documents'), Buffer.from([0x81, 0xa2]), text('docType'), text(type), text('issuerSigned'), part]);

    const embedded = (b) => Buffer.concat([Buffer.from([0xd8, 0x18, 0x58, b.length]), b]);

    const [file, transcript] = process.argv.slice(2);
    const given = readFileSync(file);
    const { documents: [document] } = await new Verifier([readFileSync('anchor.pem', 'utf8')]).verify(transcript ? given : wrapped(given), {
      encodedSessionTranscript: transcript && embedded(readFileSync(transcript)),
      onCheck: ({ category, status, check, reason }) => {
        if (status === 'FAILED' && (transcript || category !== 'DEVICE_AUTH')) throw new Error(reason ?? check);
      },
    });
    const keys = JSON.parse(readFileSync('trust.jwks.json')).keys;
    const key = await jose.importJWK(keys.find((k) => k.kid === 'sample-status'), 'ES256');
    const list = await jose.jwtVerify(readFileSync('status-list.jwt', 'utf8'), key, { typ: 'statuslist+jwt', algorithms: ['ES256'] });
    const { uri, idx } = Object.fromEntries(document.issuerSigned.issuerAuth.decodedPayload.status.get('status_list'));
    if (list.payload.sub !== uri) throw new Error('not the list');
    const packed = inflateSync(Buffer.from(list.payload.status_list.lst, 'base64url'));
    if (idx >> 2 >= packed.length) throw new Error('the list has no such place');
    const status = (packed[idx >> 2] >> ((idx & 3) * 2)) & 3;
    console.log(['valid', 'revoked', 'suspended'][status] ?? 'cannot tell', document.getIssuerNameSpace(type));

` + "`node check.mjs credential.mdoc`" + ` prints ` + "`valid`" + ` and the elements; each of the others is refused, or its status told. With a session, what the holder's
device signed is checked, too: ` + "`node check.mjs presentation.response session-transcript.cbor`" + ` prints two elements, and with
` + "`another-transcript.cbor`" + ` the answer is refused. ` + oldNode + `. That the document signer's certificate is of the anchor (the usage that ISO/IEC 18013-5 wants of it is
critical, and no usage that OpenSSL knows by a name):

    openssl verify -ignore_critical -CAfile anchor.pem signer.pem
`
