// cose-kit by require: its ES modules import a package by names that Node finds there only from 20.19 on, and Debian 12 has Node 18.
import { createRequire } from 'node:module';

export const { coseVerify } = createRequire(import.meta.url)('cose-kit');
