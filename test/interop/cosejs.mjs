// Checks COSE_Sign1 messages with cose-js, which has nothing in common with cose-kit: it reads them with cbor and computes with
// elliptic. It takes the algorithm from the message, so that this file holds it to the key's.
import cbor from 'cbor';
import cose from 'cose-js';

const headerAlgorithm = 1;

export default async function check(c) {
  const found = cbor.decodeFirstSync(Buffer.from(c.keySet, 'base64')).find((k) => k.get(2).toString() === c.kid);
  if (found?.get(1) !== 2 || found.get(-1) !== 1) throw new Error('no such key');
  const message = Buffer.from(c.message, 'base64');
  const payload = cose.sign.verifySync(message, { key: { x: found.get(-2), y: found.get(-3) } });
  const [header] = cbor.decodeFirstSync(message).value;
  if (cbor.decodeFirstSync(header).get(headerAlgorithm) !== found.get(3)) throw new Error('another algorithm');
  const facts = cbor.decodeFirstSync(payload); // an object when all labels are texts
  return facts instanceof Map ? Object.fromEntries(facts) : facts;
}
