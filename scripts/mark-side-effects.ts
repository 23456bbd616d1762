import { readFileSync, writeFileSync } from 'node:fs';

// The client library has no `sideEffects` field, so the bundler keeps every generated API class: 20 MB instead of 2.4 MB.
// Its only module with side effects is the polyfill.
const file = 'node_modules/@kubernetes/client-node/package.json';
const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
if (manifest['sideEffects'] === undefined) {
  manifest['sideEffects'] = ['./dist/polyfill.js'];
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
