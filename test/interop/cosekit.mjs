// Checks COSE_Sign1 messages with cose-kit, which reads them with cbor-x.
import { coseVerify } from './cose.mjs';
import { decode } from 'cbor-x';
import * as jose from 'jose';

export default async function check(c) {
  const key = await jose.importJWK(c.key, 'ES256');
  const { isValid, decoded } = await coseVerify(Buffer.from(c.message, 'base64'), key);
  if (decoded.alg !== -7) throw new Error('another algorithm');
  if (!isValid) throw new Error('the signature does not fit');
  return decode(decoded.payload);
}
