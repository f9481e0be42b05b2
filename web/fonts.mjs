// Copies the numbered slices of Noto Sans JP (regular and bold, woff2) into the tree and writes the @font-face rules under
// the family "NQ Sans JP". The numbered slices, not the one-file subset, because only they have the rare kanji of names.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const from = new URL('node_modules/@fontsource/noto-sans-jp/', import.meta.url);
const to = new URL('../internal/portal/ui/static/', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', from), 'utf8'));
const dir = `fonts/noto-sans-jp-${version}/`;
mkdirSync(new URL(dir, to), { recursive: true });

const rules = new Map(); // by slice: both weights side by side, so that the repeated ranges compress away
for (const weight of [400, 700]) {
  const css = readFileSync(new URL(`${weight}.css`, from), 'utf8');
  for (const [, slice, range] of css.matchAll(/noto-sans-jp-\[(\d+)\]-\d+-normal \*\/[^}]*?unicode-range: ([^;]+);/g)) {
    const file = `${slice}-${weight}.woff2`;
    copyFileSync(new URL(`files/noto-sans-jp-${slice}-${weight}-normal.woff2`, from), new URL(dir + file, to));
    rules.set(slice, (rules.get(slice) ?? '') + `@font-face{font-family:"NQ Sans JP";font-style:normal;font-display:swap;font-weight:${weight};` +
      `src:url(${dir}${file}) format("woff2");unicode-range:${range}}\n`);
  }
}
copyFileSync(new URL('LICENSE', from), new URL(dir + 'OFL.txt', to));
writeFileSync(new URL('fonts.css', to), '/* Noto Sans JP, SIL Open Font License 1.1, see ' + dir + 'OFL.txt */\n' + [...rules.values()].join(''));
console.log(`${rules.size} slices of Noto Sans JP ${version}`);
