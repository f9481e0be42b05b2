// Runs one module over a list of cases: node run.mjs MODULE <cases.json >answers.json
//
// The module's default export is a function of one case. What it returns is the answer; what it throws is a refusal. Every
// case is tried, so that a refusal of one says nothing about the next.
import { webcrypto } from 'node:crypto';

// Node 18, which Debian 12 has, does not yet offer these by themselves.
globalThis.crypto ??= webcrypto;
globalThis.CryptoKey ??= webcrypto.CryptoKey;

let text = '';
for await (const part of process.stdin) text += part;
const { default: check } = await import(`./${process.argv[2]}.mjs`);

const answers = [];
for (const one of JSON.parse(text)) {
  try {
    answers.push({ name: one.name, answer: (await check(one)) ?? null });
  } catch (e) {
    answers.push({ name: one.name, refused: `${e?.name ?? 'Error'}: ${e?.message ?? e}` });
  }
}
process.stdout.write(JSON.stringify(answers));
