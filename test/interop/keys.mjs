// What the modules share: public keys, and the certificates in a header.
import { X509Certificate, createHash } from 'node:crypto';
import * as jose from 'jose';

export const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
export const sha256 = (text) => b64(createHash('sha256').update(text).digest());

// verified checks a compact token by jose alone and returns its content. The type is compared by the caller.
export async function verified(token, jwk) {
  const key = await jose.importJWK(jwk, 'ES256');
  const { payload, protectedHeader } = await jose.compactVerify(token, key, { algorithms: ['ES256'] });
  return { claims: JSON.parse(Buffer.from(payload).toString('utf8')), header: protectedHeader };
}

// underAnchor checks by Node's own X.509 that the first certificate of a header was signed by the anchor, and returns its
// key.
export function underAnchor(header, anchorPEM) {
  const leaf = new X509Certificate(Buffer.from(header.x5c[0], 'base64'));
  const anchor = new X509Certificate(anchorPEM);
  if (!leaf.checkIssued(anchor) || !leaf.verify(anchor.publicKey)) throw new Error('the certificate is not of the anchor');
  return leaf.publicKey.export({ format: 'jwk' });
}
