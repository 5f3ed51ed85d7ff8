/**
 * What a face does first: it finds the files beside it, or says that a bundler has copied it away from them. The library starts
 * processes and threads from files of its own, so it cannot be part of another bundle.
 */
const MESSAGE =
  'multiprocess cannot run inside a bundle: it starts processes and threads from files of its own. Keep it external: ' +
  'esbuild --external:multiprocess; bun build --external multiprocess; ' +
  "webpack externals: { multiprocess: 'node-commonjs multiprocess' }; rollup external: [/^multiprocess/]; " +
  "Vite ssr: { external: ['multiprocess'] }; Next serverExternalPackages: ['multiprocess']"

const FAIL = `throw Object.assign(new Error(${JSON.stringify(MESSAGE)}), { code: 'ERR_BUNDLED' })`

/**
 * Of an ES module. `createRequire` is imported, since a test runner that gives modules a context of their own gives them a
 * `createRequire` of its own, too.
 * @param file one that lies beside the face
 * @param wrap gives what `require` is, of Node's own
 */
export const requireBeside = (file, wrap = plain => plain) =>
  "import { createRequire } from 'node:module'; const $require = (url => { try { const found = createRequire(url); " +
  `found.resolve?.('./${file}'); return found } catch { ${FAIL} } })(import.meta.url); ` +
  `const require = ${wrap('$require')}; `

/** Of a CommonJS module: bundlers follow its loads, and leave it a false `__filename`, or none. */
export const filesBeside = file =>
  "if (typeof __dirname !== 'string' || !process.getBuiltinModule('node:fs').existsSync(" +
  `process.getBuiltinModule('node:path').join(__dirname, '${file}'))) ${FAIL}; `
