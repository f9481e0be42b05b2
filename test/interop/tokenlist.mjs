// Reads status lists with @owf/token-status-list: JWT and CWT. Signatures are checked by jose and cose-kit. The library's own
// reader of CWT claims wants an aggregation_uri, which the draft leaves optional (§4.3), so cbor-x reads those.
import { StatusList, getListFromStatusListJWT } from '@owf/token-status-list';
import { Decoder } from 'cbor-x';
import { coseVerify } from './cose.mjs';
import * as jose from 'jose';
import { verified } from './keys.mjs';

export default async function check(c) {
  return c.cwt ? fromCWT(c) : fromJWT(c);
}

function told(list, claims, c) {
  if (claims.subject !== c.uri) throw new Error('sub');
  if (claims.expires <= c.now || claims.issued > c.now) throw new Error('time');
  return c.indices.map((i) => list.getStatus(i));
}

async function fromJWT(c) {
  const { claims, header } = await verified(c.jwt, c.key);
  if (header.typ !== 'statuslist+jwt') throw new Error('typ');
  return told(getListFromStatusListJWT(c.jwt), { subject: claims.sub, issued: claims.iat, expires: claims.exp }, c);
}

async function fromCWT(c) {
  const { isValid, decoded } = await coseVerify(Buffer.from(c.cwt, 'base64'), await jose.importJWK(c.key, 'ES256'));
  if (!isValid) throw new Error('signature');
  const claims = new Decoder({ mapsAsObjects: false }).decode(decoded.payload);
  const packed = claims.get(65533);
  const list = StatusList.decompressStatusListFromBytes(packed.get('lst'), packed.get('bits'));
  return told(list, { subject: claims.get(2), issued: claims.get(6), expires: claims.get(4) }, c);
}
