// Checks an SD-JWT with @meeco/sd-jwt, another implementation of the disclosures, and jose for the signatures.
import { verifySDJWT } from '@meeco/sd-jwt';
import { sha256, verified } from './keys.mjs';

export default async function check(c) {
  const claims = await verifySDJWT(
    c.token,
    async (token) => {
      const { header } = await verified(token, c.issuer);
      return header.typ === 'dc+sd-jwt';
    },
    async (alg) => {
      if (alg !== 'sha-256') throw new Error('digest algorithm');
      return sha256;
    },
    c.nonce && {
      kb: {
        verifier: async (token, jwk) => {
          const kb = (await verified(token, jwk)).claims;
          return kb.nonce === c.nonce && kb.aud === c.audience && kb.sd_hash === sha256(c.token.slice(0, c.token.lastIndexOf('~') + 1));
        },
      },
    },
  );
  if (claims.exp && claims.exp <= c.now) throw new Error('expired');
  return claims;
}
