/** The page of troubles names every code, and every thing that cannot be done, of the three packages. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { root } from './fixtures/pages.ts'

const timeout = 60_000
const SOURCES = [
  'packages/multiprocess/src',
  'packages/multiprocess/rollup',
  'packages/cluster/src',
  'packages/crawl/src'
]
const PAGE = 'docs/troubleshooting.md'

/** Codes that Node, undici or the environment has, and the packages only compare. */
const OTHERS = new Set([
  'ERR_DLOPEN_DISABLED',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_WORKER_INVALID_EXEC_ARGV',
  'MULTIPROCESS_KEY'
])

async function sources(): Promise<string> {
  const texts: string[] = []
  for (const folder of SOURCES) {
    const names = await readdir(path.join(root, folder), { recursive: true })
    for (const name of names.filter(one => /\.[jt]s$/.test(one))) {
      texts.push(await readFile(path.join(root, folder, name), 'utf8'))
    }
  }
  return texts.join('\n')
}

const found = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, one]) => one))

test('docs/troubleshooting.md has every code of the packages, and no other', { timeout }, async () => {
  const page = await readFile(path.join(root, PAGE), 'utf8')
  const inSource = found(await sources(), /'((?:ERR|MULTIPROCESS)_[A-Z_0-9]+)'/g)
  for (const code of OTHERS) inSource.delete(code)
  assert.ok(inSource.size > 40)
  const onPage = found(page, /`((?:ERR|MULTIPROCESS)_[A-Z_0-9]+)`/g)
  assert.deepEqual([...inSource].filter(code => !onPage.has(code)).sort(), [], `codes that ${PAGE} lacks`)
  const known = new Set([...inSource, ...OTHERS, 'MULTIPROCESS_DEBUG'])
  assert.deepEqual([...onPage].filter(code => !known.has(code)).sort(), [], `codes of ${PAGE} that do not exist`)
})

test('docs/troubleshooting.md has every kind of message that begins with "cannot"', { timeout }, async () => {
  const page = await readFile(path.join(root, PAGE), 'utf8')
  const inSource = found((await sources()).toLowerCase(), /[`'"](cannot [a-z]+)/g)
  assert.ok(inSource.size > 30)
  const onPage = found(page.toLowerCase(), /(cannot [a-z]+)/g)
  assert.deepEqual([...inSource].filter(message => !onPage.has(message)).sort(), [], `messages that ${PAGE} lacks`)
})

/** Classes whose errors never reach a program, or explain a command line. */
const INTERNAL = new Set(['Error', 'SyntaxError', 'UsageError', 'DecompressError'])

test('docs/troubleshooting.md has every other message that an error begins with', { timeout }, async () => {
  const page = (await readFile(path.join(root, PAGE), 'utf8')).toLowerCase()
  const rows = page.split('\n').filter(line => line.startsWith('| '))
  const known = rows
    .flatMap(row => [...row.matchAll(/`([^`]+)`/g)])
    .flatMap(([, message]) => message.split('…'))
    .map(part => part.trim())
    .filter(part => part.length > 6)
  const code = (await sources()).replaceAll(/\/\*\*[\s\S]*?\*\//g, '')
  const thrown = code.matchAll(/new (\w*(?:Error|Empty|Full|BufferTooShort))\(\s*([`'])((?:(?!\2)[^\\]|\\.)+)\2/g)
  const messages = new Set(
    [...thrown].filter(([, name]) => !INTERNAL.has(name)).map(([, , , text]) => text.replaceAll(/\$\{[^}]*\}/g, '…'))
  )
  assert.ok(messages.size > 60, `${messages.size}`)
  const missing = [...messages].filter(message => {
    const text = message.toLowerCase()
    const isOfAKind = text.startsWith('cannot ') || text.includes('must be') || /^item … is …/.test(text)
    return !isOfAKind && !known.some(part => text.includes(part))
  })
  assert.deepEqual(missing.sort(), [], `messages that ${PAGE} lacks`)
})
