// Answers verifiers as a wallet does, with @openid4vc/openid4vp: reads the signed request, finds what the query asks for, shows
// it with @sd-jwt/sd-jwt-vc or @owf/mdoc, and sends the answer, encrypted where the request wants that.
import { Openid4vpClient } from '@openid4vc/openid4vp';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { ES256, digest, generateSalt } from '@sd-jwt/crypto-nodejs';
import { X509Certificate, createHash, randomBytes } from 'node:crypto';
import * as jose from 'jose';
import { present } from './owf.mjs';

const callbacks = (c) => ({
  // The verifier's address is not this machine's: requests are led to where the test listens.
  fetch: (address, init) => fetch(String(address).replace(c.origin, c.at), init),
  hash: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
  generateRandom: (n) => randomBytes(n),
  verifyJwt: async (signer, { compact }) => {
    const leaf = new X509Certificate(Buffer.from(signer.x5c[0], 'base64'));
    const anchor = new X509Certificate(c.anchor);
    if (!leaf.checkIssued(anchor) || !leaf.verify(anchor.publicKey)) return { verified: false };
    await jose.compactVerify(compact, leaf.publicKey, { algorithms: ['ES256'] });
    return { verified: true, signerJwk: leaf.publicKey.export({ format: 'jwk' }) };
  },
  getX509CertificateMetadata: (base64) => {
    const names = new X509Certificate(Buffer.from(base64, 'base64')).subjectAltName ?? '';
    const of = (kind) => names.split(', ').filter((n) => n.startsWith(kind)).map((n) => n.slice(kind.length));
    return { sanDnsNames: of('DNS:'), sanUriNames: of('URI:') };
  },
  decryptJwe: () => ({ decrypted: false }),
  encryptJwe: async (encryptor, data) => {
    const key = await jose.importJWK(c.otherKey ?? encryptor.publicJwk, encryptor.alg);
    const header = { alg: encryptor.alg, enc: encryptor.enc, kid: encryptor.publicJwk.kid, ...(encryptor.apu && { apu: encryptor.apu, apv: encryptor.apv }) };
    return { jwe: await new jose.CompactEncrypt(Buffer.from(data)).setProtectedHeader(header).encrypt(key), encryptionJwk: encryptor.publicJwk };
  },
  signJwt: () => {
    throw new Error('answers are not signed');
  },
});

// shown is the presentation that a query asks for, in the format that the wallet has.
async function shown(c, query, request, encryptionJwk) {
  const asked = { nonce: c.nonce ?? request.nonce, audience: c.audience ?? request.client_id };
  if (query.format === 'mso_mdoc') {
    const jwkThumbprint = encryptionJwk && new Uint8Array(Buffer.from(await jose.calculateJwkThumbprint(encryptionJwk), 'base64url'));
    const session = { clientId: asked.audience, nonce: asked.nonce, jwkThumbprint, responseUri: request.response_uri };
    const type = query.meta.doctype_value;
    return (await present({ issued: c.mdoc, type, elements: query.claims.map((x) => x.path[1]), session, key: c.key })).text;
  }
  const instance = new SDJwtVcInstance({
    hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt, kbSigner: await ES256.getSigner(c.key), kbSignAlg: 'ES256',
  });
  const frame = Object.fromEntries(query.claims.map((x) => [x.path[0], true]));
  return instance.present(c.sdjwt, frame, { kb: { payload: { iat: c.now, nonce: asked.nonce, aud: asked.audience } } });
}

export default async function check(c) {
  const client = new Openid4vpClient({ callbacks: callbacks(c) });
  const parsed = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: c.link });
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: parsed.params });
  const request = resolved.authorizationRequestPayload;
  const query = resolved.dcql.query.credentials.find((q) => q.format === c.format);
  const encryptionJwk = request.response_mode === 'direct_post.jwt' ? request.client_metadata.jwks.keys[0] : undefined;
  const vp_token = { [query.id]: [await shown(c, query, request, encryptionJwk)] };
  const answer = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request, authorizationResponsePayload: { vp_token },
    jarm: encryptionJwk && {
      encryption: { nonce: randomBytes(16).toString('base64url') },
      serverMetadata: {
        authorization_signing_alg_values_supported: [], authorization_encryption_alg_values_supported: ['ECDH-ES'],
        authorization_encryption_enc_values_supported: ['A128GCM', 'A256GCM'],
      },
    },
  });
  const { response } = await client.submitOpenid4vpAuthorizationResponse({ authorizationRequestPayload: request, ...answer });
  if (!response.ok) throw new Error(await response.text());
  return { version: resolved.version, client: resolved.client.prefix, identifier: resolved.client.identifier, encrypted: !!answer.jarm };
}
