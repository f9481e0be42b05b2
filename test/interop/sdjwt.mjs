// Checks an SD-JWT VC with @sd-jwt/sd-jwt-vc: signature, disclosures, times, key binding, status list, type metadata.
import { SDJwtVcInstance, TypeMetadataFormatSchema } from '@sd-jwt/sd-jwt-vc';
import { ES256, digest, generateSalt } from '@sd-jwt/crypto-nodejs';
import * as jose from 'jose';
import { underAnchor } from './keys.mjs';

export default async function check(c) {
  if (c.metadata) return TypeMetadataFormatSchema.parse(JSON.parse(c.metadata)).claims.length;
  const key = c.anchor ? underAnchor(jose.decodeProtectedHeader(c.token.split('~')[0]), c.anchor) : c.issuer;
  const instance = new SDJwtVcInstance({
    hasher: digest,
    hashAlg: 'sha-256',
    saltGenerator: generateSalt,
    verifier: await ES256.getVerifier(key),
    kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    statusVerifier: c.statusKey && (await ES256.getVerifier(c.statusKey)),
    statusListFetcher: async (uri) => {
      if (!c.lists?.[uri]) throw new Error('no such list');
      return c.lists[uri];
    },
  });
  const { payload, kb } = await instance.verify(c.token, {
    currentDate: c.now,
    requiredClaimKeys: c.required,
    keyBindingNonce: c.nonce,
  });
  // The library leaves two rules to its caller: the type of the token, and the audience of the holder's.
  if (jose.decodeProtectedHeader(c.token.split('~')[0]).typ !== 'dc+sd-jwt') throw new Error('typ');
  if (c.audience && kb?.payload.aud !== c.audience) throw new Error('aud');
  return payload;
}
