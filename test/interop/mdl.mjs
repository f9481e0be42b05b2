// Checks mobile documents with @auth0/mdl: what an issuer signed, and what a holder's device answers in a session.
import { Verifier } from '@auth0/mdl';
import { at, isDate } from './clock.mjs';

const text = (s) => Buffer.concat([Buffer.from(s.length < 24 ? [0x60 + s.length] : [0x78, s.length]), Buffer.from(s)]);

// answered puts an issuer's part into the answer of a device that has signed nothing: the library reads nothing else.
const answered = (part, type) =>
  Buffer.concat([
    Buffer.from([0xa3]), text('version'), text('1.0'), text('status'), Buffer.from([0]), text('documents'), Buffer.from([0x81, 0xa2]), text('docType'),
    text(type), text('issuerSigned'), part,
  ]);

// embedded is SessionTranscriptBytes (ISO/IEC 18013-5 §9.1.5.1): the transcript as a byte string in tag 24.
const embedded = (b) => Buffer.concat([Buffer.from([0xd8, 0x18, 0x58, b.length]), b]);

export default async function check(c) {
  const { documents } = await at(c.now, () =>
    new Verifier([c.anchor]).verify(c.response ? Buffer.from(c.response, 'base64') : answered(Buffer.from(c.issued, 'base64'), c.type), {
      encodedSessionTranscript: c.transcript && embedded(Buffer.from(c.transcript, 'base64')),
      onCheck: ({ category, status, check, reason }) => {
        if (status === 'FAILED' && (c.response || category !== 'DEVICE_AUTH')) throw new Error(reason ?? check);
      },
    }),
  );
  return Object.fromEntries(Object.entries(documents[0].getIssuerNameSpace(c.type)).map(([name, v]) => [name, isDate(v) ? v.toISOString().slice(0, 10) : v]));
}
