// Checks mobile documents with @owf/mdoc, and makes what we read: an issuer's part, and a device's answer to a session.
import { CoseKey, DateOnly, DeviceKey, DeviceRequest, DeviceResponse, DocRequest, Holder, Issuer, IssuerSigned, ItemsRequest, SessionTranscript, SignatureAlgorithm, Verifier } from '@owf/mdoc';
import { X509Certificate, createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from 'node:crypto';

// What the library leaves to its caller, by node:crypto alone.
const hashes = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
const curves = { ES256: 'prime256v1', ES384: 'secp384r1' };
const field = (dn, name) => dn.split('\n').filter((l) => l.startsWith(`${name}=`)).map((l) => l.slice(name.length + 1));
const context = {
  crypto: {
    random: (n) => new Uint8Array(randomBytes(n)),
    digest: ({ digestAlgorithm, bytes }) => new Uint8Array(createHash(hashes[digestAlgorithm]).update(bytes).digest()),
    calculateEphemeralMacKey: () => {
      throw new Error('no answer is authenticated by a code');
    },
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) =>
        new Uint8Array(sign('sha256', toBeSigned, { key: createPrivateKey({ key: key.jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' })),
      verify: ({ key, sign1 }) => {
        const { kty, crv, x, y } = key.jwk;
        const alg = sign1.signatureAlgorithmName;
        const object = createPublicKey({ key: { kty, crv, x, y }, format: 'jwk' });
        if (object.asymmetricKeyDetails.namedCurve !== curves[alg]) throw new Error(`a key of another curve for ${alg}`);
        return verify(alg === 'ES384' ? 'sha384' : 'sha256', sign1.toBeSigned, { key: object, dsaEncoding: 'ieee-p1363' }, sign1.signature);
      },
    },
    mac0: {},
  },
  x509: {
    getIssuerNameField: ({ certificate, field: name }) => field(new X509Certificate(certificate).issuer, name),
    getPublicKey: ({ certificate }) => CoseKey.fromJwk(new X509Certificate(certificate).publicKey.export({ format: 'jwk' })),
    verifyCertificateChain: ({ trustedCertificates, x5chain, now }) => {
      const chain = [...x5chain, ...trustedCertificates].map((der) => new X509Certificate(der));
      for (let i = 0; i + 1 < chain.length; i++) {
        if (!chain[i].checkIssued(chain[i + 1]) || !chain[i].verify(chain[i + 1].publicKey)) throw new Error('the certificate is not of the anchor');
      }
      for (const one of chain) {
        if (now < new Date(one.validFrom) || now > new Date(one.validTo)) throw new Error('a certificate is not of this time');
      }
    },
    getCertificateData: ({ certificate }) => {
      const x = new X509Certificate(certificate);
      return {
        issuerName: x.issuer, subjectName: x.subject, serialNumber: x.serialNumber, thumbprint: x.fingerprint256, notBefore: new Date(x.validFrom),
        notAfter: new Date(x.validTo), pem: x.toString(),
      };
    },
  },
};

const bytes = (base64) => new Uint8Array(Buffer.from(base64, 'base64'));
const failing = (item) => {
  if (item.status === 'FAILED') throw new Error(item.reason ?? item.check);
};
const der = (pem) => new Uint8Array(new X509Certificate(pem).raw);
const plain = (v) => (v instanceof DateOnly || v instanceof Date ? v.toISOString().slice(0, 10) : v);

const names = (issuerSigned, type) => Object.fromEntries(issuerSigned.getIssuerNamespace(type).map((i) => [i.elementIdentifier, plain(i.elementValue)]));

// present answers a session as a holder's device, with the elements that were asked for.
export async function present({ issued, type, elements, session, key }) {
  const issuerSigned = IssuerSigned.fromEncodedForOid4Vci(issued);
  const itemsRequest = ItemsRequest.create({ docType: type, namespaces: { [type]: Object.fromEntries(elements.map((e) => [e, false])) } });
  const sessionTranscript = await SessionTranscript.forOid4Vp(session, context);
  const response = await Holder.createDeviceResponseForDeviceRequest(
    {
      deviceRequest: DeviceRequest.create({ docRequests: [DocRequest.create({ itemsRequest })] }), sessionTranscript, issuerSigned: [issuerSigned],
      signature: { signingKey: CoseKey.fromJwk({ ...key, alg: 'ES256' }) },
    },
    context,
  );
  return { text: response.encodedForOid4Vp, transcript: Buffer.from(sessionTranscript.encode()).toString('base64') };
}

// issue signs a document with our key, as another issuer's program would.
async function issue(c) {
  const day = (d) => new DateOnly(d);
  const issuerSigned = await new Issuer(c.type, context)
    .addIssuerNamespace(c.type, { name: '海事\u3000太郎', birthdate: day('1998-04-01'), qualification_name: '看護師' })
    .sign({
      signingKey: CoseKey.fromJwk({ ...c.signer, alg: 'ES256' }), algorithm: SignatureAlgorithm.ES256, digestAlgorithm: 'SHA-256',
      validityInfo: { signed: new Date(c.now * 1000), validFrom: new Date(c.now * 1000), validUntil: new Date((c.now + 3600) * 1000) },
      deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(c.device) }, certificates: [bytes(c.certificate)],
    });
  return issuerSigned.encodedForOid4Vci;
}

export default async function check(c) {
  if (c.issue) return issue(c);
  if (c.present) return present(c.present);
  const now = new Date(c.now * 1000);
  const trustedCertificates = [der(c.anchor)];
  if (c.response) {
    const deviceResponse = DeviceResponse.decode(bytes(c.response));
    await Verifier.verifyDeviceResponse({ deviceResponse, sessionTranscript: SessionTranscript.decode(bytes(c.transcript)), trustedCertificates, now, onCheck: failing }, context);
    return names(deviceResponse.documents[0].issuerSigned, c.type);
  }
  const issuerSigned = IssuerSigned.decode(bytes(c.issued));
  await Holder.verifyIssuerSigned({ issuerSigned, trustedCertificates, now, verificationCallback: failing }, context);
  return names(issuerSigned, c.type);
}
