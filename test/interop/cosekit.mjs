// Checks COSE_Sign1 messages with cose-kit, which reads them with cbor-x, by a key of a published COSE_KeySet.
import { coseVerify } from './cose.mjs';
import { Decoder } from 'cbor-x';
import * as jose from 'jose';
import { b64 } from './keys.mjs';

const cbor = new Decoder({ mapsAsObjects: false });

export default async function check(c) {
  const found = cbor.decode(Buffer.from(c.keySet, 'base64')).find((k) => Buffer.from(k.get(2)).toString() === c.kid);
  if (found?.get(1) !== 2 || found.get(3) !== -7 || found.get(-1) !== 1) throw new Error('no such key');
  const key = await jose.importJWK({ kty: 'EC', crv: 'P-256', x: b64(found.get(-2)), y: b64(found.get(-3)) }, 'ES256');
  const { isValid, decoded } = await coseVerify(Buffer.from(c.message, 'base64'), key);
  if (decoded.alg !== -7) throw new Error('another algorithm');
  if (!isValid) throw new Error('the signature does not fit');
  return Object.fromEntries(cbor.decode(decoded.payload));
}
