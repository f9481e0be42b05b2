// Fetches credentials as a wallet does, with @openid4vc/openid4vci: from an offer, or by asking the holder. Issuers' metadata are
// taken signed, and believed under the anchor. Where the case has a provider of wallets, the wallet shows its attestation and has
// its keys attested.
import { Openid4vciClient } from '@openid4vc/openid4vci';
import { clientAuthenticationAnonymous, clientAuthenticationClientAttestationJwt, clientAuthenticationNone } from '@openid4vc/oauth2';
import { X509Certificate, randomBytes, createHash } from 'node:crypto';
import * as jose from 'jose';
import { at } from './clock.mjs';

// A key pair of the wallet, and how the library signs with it.
const keys = new Map();
async function newKey() {
  const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
  const publicJwk = await jose.exportJWK(publicKey);
  keys.set(await jose.calculateJwkThumbprint(publicJwk), privateKey);
  return { method: 'jwk', alg: 'ES256', publicJwk };
}

function callbacks(c) {
  return {
    // The issuer's address is not this machine's: requests are led to where the test listens.
    // The library reads signed metadata and does not ask for them.
    fetch: (address, init) => {
      const signed = String(address).includes('/.well-known/openid-credential-issuer') && { headers: { Accept: 'application/jwt, application/json;q=0.5' } };
      return fetch(String(address).replace(c.origin, c.at), { ...init, ...signed });
    },
    hash: (data, algorithm) => createHash(algorithm.replace('-', '')).update(data).digest(),
    generateRandom: (n) => randomBytes(n),
    signJwt: async (signer, { header, payload }) => {
      const key = keys.get(await jose.calculateJwkThumbprint(signer.publicJwk));
      return { jwt: await new jose.SignJWT(payload).setProtectedHeader(header).sign(key), signerJwk: signer.publicJwk };
    },
    verifyJwt: async (signer, { compact }) => {
      const leaf = new X509Certificate(Buffer.from(signer.x5c[0], 'base64'));
      const anchor = new X509Certificate(c.anchor);
      if (!leaf.checkIssued(anchor) || !leaf.verify(anchor.publicKey)) return { verified: false };
      await jose.compactVerify(compact, leaf.publicKey, { algorithms: ['ES256'] });
      return { verified: true, signerJwk: leaf.publicKey.export({ format: 'jwk' }) };
    },
    decryptJwe: () => ({ decrypted: false }),
    encryptJwe: () => { throw new Error('nothing is encrypted'); },
    clientAuthentication: c.client ? clientAuthenticationNone({ clientId: c.client }) : clientAuthenticationAnonymous(),
  };
}

// providerSays is a token of the wallet's provider, of which the certificates stand in the header.
async function providerSays(c, typ, payload) {
  const key = await jose.importJWK(c.provider.key, 'ES256');
  return new jose.SignJWT({ iss: 'https://provider.example', iat: c.now, exp: c.now + 3600, ...payload })
    .setProtectedHeader({ alg: 'ES256', typ, x5c: c.provider.x5c }).sign(key);
}

// attestedCallbacks lets the wallet show its provider's word for it.
async function attestedCallbacks(c) {
  const own = callbacks(c);
  const { publicJwk } = await newKey();
  const clientAttestationJwt = await providerSays(c, 'oauth-client-attestation+jwt', { sub: c.client, cnf: { jwk: publicJwk } });
  return { ...own, clientAuthentication: clientAuthenticationClientAttestationJwt({ clientAttestationJwt, callbacks: own }) };
}

export default async function check(c) {
  return c.provider ? at(c.now, () => fetched(c)) : fetched(c);
}

async function fetched(c) {
  const client = new Openid4vciClient({ callbacks: c.provider ? await attestedCallbacks(c) : callbacks(c) });
  const credentialOffer = c.link ? await client.resolveCredentialOffer(c.link)
    : { credential_issuer: c.issuer, credential_configuration_ids: [c.configuration], grants: { authorization_code: {} } };
  const issuerMetadata = await client.resolveIssuerMetadata(credentialOffer.credential_issuer);
  const dpop = { signer: await newKey() };
  const got = c.link
    ? await client.retrievePreAuthorizedCodeAccessTokenFromOffer({ credentialOffer, issuerMetadata, txCode: c.txCode, dpop })
    : await byAsking(client, c, credentialOffer, issuerMetadata, dpop);
  const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata });
  const jwts = [];
  for (let i = 0; i < c.copies; i++) {
    const signer = await newKey();
    const keyAttestationJwt = c.provider && (await providerSays(c, 'key-attestation+jwt', { attested_keys: [signer.publicJwk], nonce }));
    const { jwt } = await client.createCredentialRequestJwtProof({
      issuerMetadata, credentialConfigurationId: c.configuration, signer, nonce, clientId: c.client, keyAttestationJwt,
    });
    jwts.push(jwt);
  }
  const accessToken = got.accessTokenResponse.access_token;
  const { credentialResponse } = await client.retrieveCredentials({
    issuerMetadata, accessToken, credentialConfigurationId: c.configuration, proofs: { jwt: jwts }, dpop: got.dpop ?? dpop,
  });
  if (credentialResponse.notification_id) {
    await client.sendNotification({
      issuerMetadata, accessToken, dpop: got.dpop ?? dpop,
      notification: { notificationId: credentialResponse.notification_id, event: 'credential_accepted' },
    });
  }
  return {
    credentials: credentialResponse.credentials?.map((x) => x.credential), transaction: credentialResponse.transaction_id,
    signed: issuerMetadata.signedCredentialIssuer?.jwt.payload.sub,
  };
}

// byAsking pushes a request and lets the holder answer it; the test stands in for the holder's browser.
async function byAsking(client, c, credentialOffer, issuerMetadata, dpop) {
  const asked = await client.createAuthorizationRequestUrlFromOffer({
    clientId: c.client, redirectUri: c.redirect, credentialOffer, issuerMetadata, scope: c.configuration, state: 'the state', dpop,
  });
  const answered = await fetch(`${c.at}/consent?address=${encodeURIComponent(asked.authorizationRequestUrl)}`);
  const url = await answered.text();
  const answer = client.parseAndVerifyAuthorizationResponseRedirectUrl({
    url, authorizationServerMetadata: issuerMetadata.authorizationServers[0],
  });
  if (answer.error) throw new Error(answer.error);
  return client.retrieveAuthorizationCodeAccessTokenFromOffer({
    credentialOffer, issuerMetadata, authorizationCode: answer.code, pkceCodeVerifier: asked.pkce?.codeVerifier, redirectUri: c.redirect,
    dpop: asked.dpop ?? dpop,
  });
}
