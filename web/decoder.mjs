// Copies the reader of zxing-wasm into the tree: the decoder of QR codes that a page with the camera loads when the camera is
// switched on. It is served from our own site under a directory that carries the version. One thing is changed: by itself the
// script would fetch its WebAssembly from a content network of others, and now looks beside itself.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const from = new URL('node_modules/zxing-wasm/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', from), 'utf8'));
const to = new URL(`../internal/portal/ui/static/zxing-wasm-${version}/`, import.meta.url);
mkdirSync(new URL('reader/', to), { recursive: true });
for (const [file, name] of [['dist/es/reader/index.js', 'reader/index.js'], ['dist/reader/zxing_reader.wasm', 'zxing_reader.wasm'],
  ['LICENSE', 'LICENSE.txt']]) {
  copyFileSync(new URL(file, from), new URL(name, to));
}
const shared = readFileSync(new URL('dist/es/share.js', from), 'utf8');
const ours = shared.replace(/n \? `https:[^`]*` : t \+ e/, 't + e');
if (ours === shared || ours.includes('https://')) throw new Error('the default address of the WebAssembly is not where it was');
writeFileSync(new URL('share.js', to), ours);
console.log(`reader of zxing-wasm ${version}`);
