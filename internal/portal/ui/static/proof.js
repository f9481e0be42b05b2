// Checks a credential in the browser, by published keys and lists of statuses that were fetched earlier: the same three checks as
// at the service, in the same order. What cannot be decided is "cannot_tell"; nothing is taken for valid by default.

const utf8 = new TextDecoder('utf-8', { fatal: true });

// read takes the message out of what a code holds: an address with c= in its query or fragment, or bare base64.
export function read(text) {
  const all = [...text.matchAll(/[?#&]c=([^&#\s]*)/g)];
  if (all.length > 1) throw new Error('two messages, and nobody could tell which is meant');
  const found = all[0]?.[1] ?? text.trim().replace(/^c=/, '');
  const plain = decodeURIComponent(found).replace(/[\r\n]/g, '').replace(/-/g, '+').replace(/_/g, '/').replace(/=+$/, '');
  if (!/^[A-Za-z0-9+/]{8,}$/.test(plain)) throw new Error('no credential');
  return Uint8Array.from(atob(plain), (c) => c.charCodeAt(0));
}

// decode reads one item of CBOR in the deterministic encoding (RFC 8949 §4.2.1) and refuses every other.
export function decode(bytes) {
  let at = 0;
  const take = (n) => {
    if (at + n > bytes.length) throw new Error('cut short');
    return bytes.subarray(at, (at += n));
  };
  const head = () => {
    const [first] = take(1);
    const info = first & 31;
    if (info < 24) return [first >> 5, info];
    if (info > 26) throw new Error('a length that no credential has');
    const n = take(1 << (info - 24)).reduce((sum, b) => sum * 256 + b, 0);
    if (n < [24, 256, 65536][info - 24]) throw new Error('not the shortest form');
    return [first >> 5, n];
  };
  const item = (depth) => {
    if (depth > 5) throw new Error('too deep');
    const [kind, n] = head();
    switch (kind) {
      case 0: return n;
      case 1: return -1 - n;
      case 2: return take(n).slice();
      case 3: return utf8.decode(take(n));
      case 4: return Array.from({ length: limit(n) }, () => item(depth + 1));
      case 5: {
        const map = new Map();
        let before = '';
        for (let i = limit(n); i > 0; i--) {
          const start = at;
          const key = item(depth + 1);
          const order = String.fromCharCode(...bytes.subarray(start, at));
          if (order <= before && before) throw new Error('keys out of order');
          before = order;
          map.set(key, item(depth + 1));
        }
        return map;
      }
      case 6: return { tag: n, value: item(depth + 1) };
      default: throw new Error('a kind of value that no credential has');
    }
  };
  const value = item(0);
  if (at !== bytes.length) throw new Error('bytes after the end');
  return value;
}

function limit(n) {
  if (n > 32) throw new Error('too many');
  return n;
}

// encode writes the four kinds of value that a Sig_structure has.
function encode(value) {
  const head = (kind, n) => n < 24 ? [kind << 5 | n] : n < 256 ? [kind << 5 | 24, n] : [kind << 5 | 25, n >> 8, n & 255];
  if (typeof value === 'string') {
    const raw = new TextEncoder().encode(value);
    return [...head(3, raw.length), ...raw];
  }
  if (value instanceof Uint8Array) return [...head(2, value.length), ...value];
  return [...head(4, value.length), ...value.flatMap(encode)];
}

const labels = ['CN', 'UN', 'UB', 'RN', 'RD', 'ID', 'IA', 'IN', 'CI', 'DN', 'DT', 'UC'];

// message takes a COSE_Sign1 message (RFC 9052 §4.2) apart: of the national profile, whose key id is not signed, or of the compact
// one, whose header signs it and whose payload has a place in a status list, an end, or both.
export function message(bytes) {
  const { tag, value } = decode(bytes);
  if (tag !== 18 || !Array.isArray(value) || value.length !== 4) throw new Error('not a COSE_Sign1 message');
  const [guarded, open, payload, signature] = value;
  const headers = decode(guarded);
  const members = decode(payload);
  if (!(headers instanceof Map) || !(open instanceof Map) || !(members instanceof Map)) throw new Error('not maps');
  const compact = headers.has(4);
  if (headers.size !== (compact ? 2 : 1) || open.size !== (compact ? 0 : 1)) throw new Error('other headers');
  const kid = utf8.decode((compact ? headers : open).get(4));
  const signed = Uint8Array.from(encode(['Signature1', guarded, new Uint8Array(), payload]));
  const m = { algorithm: headers.get(1), kid, signature, signed, facts: members };
  if (!kid) throw new Error('no key id');
  if (!compact) return m;
  if (members.get(0) !== 1) throw new Error('another version');
  m.facts = new Map(labels.map((label, i) => [label, members.get(i + 1)]).filter(([, text]) => text));
  [m.place, m.expires, m.issued] = [13, 14, 15].map((label) => members.get(label));
  if (!m.facts.has('CN') || !m.facts.has('DN') || !(m.issued > 0) || !(m.place || m.expires > m.issued)) throw new Error('something is missing');
  return m;
}

const algorithms = new Map([
  [-7, { name: 'ES256', key: { name: 'ECDSA', namedCurve: 'P-256' }, check: { name: 'ECDSA', hash: 'SHA-256' } }],
  [-37, { name: 'PS256', key: { name: 'RSA-PSS', hash: 'SHA-256' }, check: { name: 'RSA-PSS', saltLength: 32 } }],
]);

// holds tells whether a signature fits: the key's own algorithm must be the one that the message names.
async function holds(jwk, algorithm, signature, signed) {
  if (!algorithm || jwk.alg !== algorithm.name) return false;
  const { kty, crv, x, y, n, e } = jwk;
  const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm.key, false, ['verify']);
  return crypto.subtle.verify(algorithm.check, key, signature, signed);
}

// check checks what a code holds by what was kept: {keys, lists, now}. now is the time by the service's clock.
export async function check(text, kept) {
  const result = { untampered: 'unknown', issuer: 'unknown', status: 'unknown', checked_at: new Date(kept.now).toISOString(), offline: true };
  let bytes;
  try {
    bytes = read(text);
  } catch {
    return { ...result, verdict: 'unreadable' };
  }
  let m;
  try {
    m = message(bytes);
  } catch {
    return { ...result, verdict: 'tampered', untampered: 'no' };
  }
  const key = kept.keys.find((one) => one.kid === m.kid);
  if (!key) return { ...result, verdict: 'cannot_tell', why: 'key' };
  if (key.purpose !== 'credential') return { ...result, verdict: 'unknown_issuer', issuer: 'no' };
  const number = m.facts.get('DN');
  if (key.distrusted_at || typeof number !== 'string' || !key.registers?.includes(number.slice(0, 4))) {
    return { ...result, verdict: 'unknown_issuer', issuer: 'no' };
  }
  if (!await holds(key, algorithms.get(m.algorithm), m.signature, m.signed)) return { ...result, verdict: 'tampered', untampered: 'no' };
  const facts = Object.fromEntries([...m.facts].filter(([, value]) => typeof value === 'string'));
  const proven = { ...result, untampered: 'yes', issuer: 'yes', issuer_name: facts.IN, facts };
  return { ...proven, ...await status(m, key, kept) };
}

// gather brings what check needs from what the service publishes: the keys, and the lists that this counter has met. until is the
// time after which it is too old: keys are to be fetched at least once a day, lists as often as they say.
export async function gather({ now, keys }, met) {
  const lists = {};
  await Promise.all(met.map(async (name) => {
    const answer = await fetch(`/status/${name}`, { headers: { Accept: 'application/statuslist+jwt' }, cache: 'no-store' });
    if (answer.ok) lists[name] = { token: await answer.text(), at: now };
  }));
  const ends = Object.values(lists).map(({ token, at }) => at + (part(token, 1).ttl ?? 0) * 1000);
  return { now, keys: keys.keys, lists, met, until: Math.min(now + 24 * 3600_000, ...ends) };
}

// place names the list that a code's status stands in, as its address does; undefined when it has none.
export function place(text) {
  try {
    const m = message(read(text));
    return m.place && `${m.facts.get('DN').slice(0, 4)}/${m.place[0]}`;
  } catch {
    return undefined;
  }
}

const base64 = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
const part = (token, i) => JSON.parse(utf8.decode(base64(token.split('.')[i])));

// open reads a list (draft-ietf-oauth-status-list): its type, its signature by a key that the registrar has for lists, whom it is
// about, and that it is neither over nor older than its ttl. It returns the packed values; anything else is an error.
async function open(name, { token, at }, registrar, { keys, now }) {
  const [head, claims] = [part(token, 0), part(token, 1)];
  const key = keys.find((one) => one.kid === head.kid && one.purpose === 'status' && one.registrar === registrar && !one.distrusted_at);
  if (head.typ !== 'statuslist+jwt' || head.alg !== 'ES256' || !key) throw new Error('not a list of this registrar');
  const [signed, signature] = [token.slice(0, token.lastIndexOf('.')), token.slice(token.lastIndexOf('.') + 1)];
  if (!await holds(key, algorithms.get(-7), base64(signature), new TextEncoder().encode(signed))) throw new Error('another signature');
  if (claims.sub !== `${location.origin}/status/${name}`) throw new Error('another list');
  if (!(claims.exp * 1000 > now) || !(claims.iat * 1000 < now + 60_000)) throw new Error('not of this time');
  if (!(now - at <= claims.ttl * 1000)) throw new Error('too old');
  if (claims.status_list.bits !== 2) throw new Error('another size of values');
  const packed = new Blob([base64(claims.status_list.lst)]).stream().pipeThrough(new DecompressionStream('deflate'));
  return { issued: claims.iat, values: new Uint8Array(await new Response(packed).arrayBuffer()) };
}

// status is the third check. A code on a screen was signed within the last two minutes for a credential that was in force then. The
// national form has no place in a list, so that without a network it stays open, and so does whatever cannot be read.
async function status(m, key, kept) {
  if (m.expires && kept.now >= m.expires * 1000) return { verdict: 'run_out' };
  const moment = (seconds) => new Date(seconds * 1000).toISOString();
  if (!m.place) return m.expires ? { verdict: 'valid', status: 'yes', list_at: moment(m.issued) } : { verdict: 'cannot_tell', why: 'reference' };
  try {
    const [number, index] = m.place;
    const name = `${m.facts.get('DN').slice(0, 4)}/${number}`;
    const { issued, values } = await open(name, kept.lists[name], key.registrar, kept);
    if (!(index >= 0 && index < values.length * 4)) throw new Error('out of the list');
    const verdict = ['valid', 'revoked', 'suspended'][values[index >> 2] >> (index % 4) * 2 & 3];
    if (!verdict) throw new Error('a value that nobody uses');
    return { verdict, status: verdict === 'valid' ? 'yes' : 'no', list_at: moment(issued) };
  } catch {
    return { verdict: 'cannot_tell', why: 'list' };
  }
}
