// As much of CBOR (RFC 8949) as a COSE_Sign1 message needs, so that no library of ours and none of Go's reads it.
export function decode(bytes) {
  const [value, end] = item(bytes, 0);
  if (end !== bytes.length) throw new Error('bytes behind the item');
  return value;
}

function item(b, i) {
  const major = b[i] >> 5;
  let n = b[i] & 31;
  i += 1;
  if (n >= 24) {
    const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[n];
    if (!size) throw new Error('length');
    n = Number(size === 8 ? b.readBigUInt64BE(i) : b.readUIntBE(i, size));
    i += size;
  }
  switch (major) {
    case 0:
      return [n, i];
    case 1:
      return [-1 - n, i];
    case 2:
      return [b.subarray(i, i + n), i + n];
    case 3:
      return [b.toString('utf8', i, i + n), i + n];
    case 4: {
      const list = [];
      for (; n > 0; n--) {
        const [v, end] = item(b, i);
        list.push(v);
        i = end;
      }
      return [list, i];
    }
    case 5: {
      const map = new Map();
      for (; n > 0; n--) {
        const [k, middle] = item(b, i);
        const [v, end] = item(b, middle);
        map.set(k, v);
        i = end;
      }
      return [map, i];
    }
    case 6: {
      const [value, end] = item(b, i);
      return [{ tag: n, value }, end];
    }
  }
  throw new Error('kind of item');
}

// encodeSigStructure is what a COSE_Sign1 signature is made over (RFC 9052 §4.4).
export function encodeSigStructure(protectedBytes, payload) {
  const head = (major, n) =>
    n < 24 ? Buffer.from([(major << 5) | n])
    : n < 256 ? Buffer.from([(major << 5) | 24, n])
    : n < 65536 ? Buffer.from([(major << 5) | 25, n >> 8, n & 255])
    : Buffer.from([(major << 5) | 26, (n >>> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
  const context = Buffer.from('Signature1');
  return Buffer.concat([
    head(4, 4), head(3, context.length), context, head(2, protectedBytes.length), protectedBytes, head(2, 0), head(2, payload.length), payload,
  ]);
}
