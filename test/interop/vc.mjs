// Checks a W3C credential as a verifier would that has jose and the text of the data model.
import { verified } from './keys.mjs';

export default async function check(c) {
  const { claims, header } = await verified(c.token, c.issuer);
  if (header.typ !== 'vc+jwt' || header.cty !== 'vc') throw new Error('type');
  if (claims['@context'][0] !== 'https://www.w3.org/ns/credentials/v2') throw new Error('context');
  if (!claims.type.includes('VerifiableCredential')) throw new Error('not a credential');
  const now = c.now * 1000;
  if (Date.parse(claims.validFrom) > now || (claims.validUntil && Date.parse(claims.validUntil) <= now)) throw new Error('time');
  return claims;
}
