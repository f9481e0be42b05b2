// Reads status lists in both forms: JWT by jose with @sd-jwt/jwt-status-list and once more by hand over node:zlib, CWT by a
// CBOR reader of a page.
import { inflateSync } from 'node:zlib';
import { createPublicKey, verify } from 'node:crypto';
import { getListFromStatusListJWT } from '@sd-jwt/jwt-status-list';
import { decode, encodeSigStructure } from './cbor.mjs';
import { verified } from './keys.mjs';

function at(bytes, bits, index) {
  if (index >= (bytes.length * 8) / bits) throw new Error('out of bounds');
  return (bytes[Math.floor((index * bits) / 8)] >> ((index * bits) % 8)) & ((1 << bits) - 1);
}

export default async function check(c) {
  return c.cwt ? fromCWT(c) : fromJWT(c);
}

async function fromJWT(c) {
  const { claims, header } = await verified(c.jwt, c.key);
  if (header.typ !== 'statuslist+jwt') throw new Error('typ');
  if (claims.sub !== c.uri) throw new Error('sub');
  if (claims.exp <= c.now || claims.iat > c.now) throw new Error('time');
  const theirs = getListFromStatusListJWT(c.jwt);
  const bytes = inflateSync(Buffer.from(claims.status_list.lst, 'base64url'));
  return c.indices.map((index) => {
    const status = theirs.getStatus(index);
    if (status !== at(bytes, claims.status_list.bits, index)) throw new Error('two readings of one list');
    return status;
  });
}

function fromCWT(c) {
  const { tag, value } = decode(Buffer.from(c.cwt, 'base64'));
  if (tag !== 18) throw new Error('tag');
  const [protectedBytes, , payload, signature] = value;
  const header = decode(protectedBytes);
  if (header.get(1) !== -7 || header.get(16) !== 'application/statuslist+cwt') throw new Error('header');
  const key = createPublicKey({ key: c.key, format: 'jwk' });
  if (!verify('sha256', encodeSigStructure(protectedBytes, payload), { key, dsaEncoding: 'ieee-p1363' }, signature)) throw new Error('signature');
  const claims = decode(payload);
  if (claims.get(2) !== c.uri) throw new Error('sub');
  if (claims.get(4) <= c.now || claims.get(6) > c.now) throw new Error('time');
  const list = claims.get(65533);
  const bytes = inflateSync(list.get('lst'));
  return c.indices.map((index) => at(bytes, list.get('bits'), index));
}
