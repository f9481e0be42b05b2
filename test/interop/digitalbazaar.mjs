// Checks a W3C credential with @digitalbazaar/vc (the rules of the data model 2.0) and jsonld (every term is explained by the
// contexts that it names); the signature by node:crypto alone.
import { _checkCredential } from '@digitalbazaar/vc';
import { contexts } from '@digitalbazaar/credentials-context';
import jsonld from 'jsonld';
import { createPublicKey, verify } from 'node:crypto';

export default async function check(c) {
  const [head, payload, signature] = c.token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  if (header.alg !== 'ES256' || header.typ !== 'vc+jwt') throw new Error('header');
  const key = { key: createPublicKey({ key: c.issuer, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  if (!verify('sha256', Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, 'base64url'))) throw new Error('signature');
  const credential = JSON.parse(Buffer.from(payload, 'base64url'));
  _checkCredential({ credential, now: new Date(c.now * 1000), maxClockSkew: 1 });
  const documentLoader = async (url) => {
    const document = url === c.contextURL ? JSON.parse(c.context) : contexts.get(url);
    if (!document) throw new Error(`no document at ${url}`);
    return { contextUrl: null, documentUrl: url, document };
  };
  const [expanded] = await jsonld.expand(credential, { documentLoader, safe: true });
  return { claims: credential, types: expanded['@type'], subject: expanded['https://www.w3.org/2018/credentials#credentialSubject'] };
}
