// Makes what another implementation makes, for us to read: an SD-JWT VC with nested and array disclosures, a presentation
// of it with a holder's token, and a status list.
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { ES256, digest, generateSalt } from '@sd-jwt/crypto-nodejs';
import { StatusList, createHeaderAndPayload } from '@sd-jwt/jwt-status-list';
import * as jose from 'jose';

export default async function make(c) {
  const issuer = await ES256.generateKeyPair();
  const holder = await ES256.generateKeyPair();
  const instance = new SDJwtVcInstance({
    signer: await ES256.getSigner(issuer.privateKey),
    verifier: await ES256.getVerifier(issuer.publicKey),
    kbSigner: await ES256.getSigner(holder.privateKey),
    signAlg: 'ES256',
    kbSignAlg: 'ES256',
    hasher: digest,
    hashAlg: 'sha-256',
    saltGenerator: generateSalt,
  });
  const bare = ({ kty, crv, x, y }) => ({ kty, crv, x, y });
  const token = await instance.issue(
    { vct: c.vct, iat: c.now, cnf: { jwk: bare(holder.publicKey) }, name: '海事\u3000太郎', address: { prefecture: '東京都', city: '千代田区' }, grades: ['基礎', '専門'] },
    { _sd: ['name', 'address'], address: { _sd: ['city'] }, grades: { _sd: [1] } },
  );
  const shown = await instance.present(
    token,
    { name: true, grades: { 1: true } },
    { kb: { payload: { iat: c.now, nonce: c.nonce, aud: c.audience } } },
  );
  const list = new StatusList(Array.from({ length: 4096 }, (_, i) => i % 3), 2);
  const { header, payload } = createHeaderAndPayload(list, { iss: 'x', sub: c.uri, iat: c.now, exp: c.now + 3600, ttl: 300 }, { alg: 'ES256', typ: 'statuslist+jwt' });
  const key = await jose.importJWK(issuer.privateKey, 'ES256');
  const statusList = await new jose.SignJWT(payload).setProtectedHeader(header).sign(key);
  return { issuer: bare(issuer.publicKey), token, shown, statusList };
}
