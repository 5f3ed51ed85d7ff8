/** What V8 compiled of the package's files is kept for the next run, in a directory that is this user's alone. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Scratch } from './fixtures/process/tools.ts'
import { limit } from './fixtures/slowness.ts'

const timeout = limit(60_000)
const run = promisify(execFile)
const library = new URL('../src/index.js', import.meta.url).href
const owner = `multiprocess-${process.geteuid?.()}`

/** A worker ends by itself here, and so keeps what it has compiled. */
const PROGRAM = `
  import { Pool } from '${library}'
  import { square } from './tasks.mjs'
  const pool = new Pool(1)
  console.log(String(await pool.map(square, [1, 2, 3])))
  pool.close()
  await pool.join()`

async function program(): Promise<Scratch> {
  return Scratch.create({ 'tasks.mjs': 'export const square = x => x * x', 'main.mjs': PROGRAM })
}

async function runIn(scratch: Scratch, env: NodeJS.ProcessEnv = {}, options: readonly string[] = []): Promise<void> {
  const { NODE_V8_COVERAGE: _, ...rest } = process.env
  const own = { ...rest, TMPDIR: scratch.directory, ...env }
  const { stdout, stderr } = await run(process.execPath, [...options, scratch.file('main.mjs')], { env: own, timeout })
  assert.deepEqual([stdout, stderr], ['1,4,9\n', ''])
}

/** Each file's inode and size, by the kind of process that it is of. */
async function kept(directory: string): Promise<Record<string, { ino: number; size: number; mode: number }>> {
  const found: Record<string, { ino: number; size: number; mode: number }> = {}
  for (const name of await readdir(directory)) {
    const { ino, size, mode } = await stat(`${directory}/${name}`)
    found[/-(program|child)-[\da-f]+$/.exec(name)?.[1] ?? name] = { ino, size, mode: mode & 0o777 }
  }
  return found
}

describe('code that V8 has compiled', { timeout: 3 * timeout }, () => {
  test('a run keeps it for programs and for their children, and the next run takes it as it is', async () => {
    await using scratch = await program()
    await runIn(scratch)
    const first = await kept(scratch.file(owner))
    assert.deepEqual(Object.keys(first).sort(), ['child', 'program'])
    for (const { size, mode } of Object.values(first)) assert.ok(size > 100_000 && mode === 0o600, `${size} ${mode}`)
    assert.equal((await stat(scratch.file(owner))).mode & 0o777, 0o700)
    await runIn(scratch)
    assert.deepEqual(await kept(scratch.file(owner)), first, 'V8 has taken all of it')
  })

  test('a file that is not whole is written anew', async () => {
    await using scratch = await program()
    await runIn(scratch)
    const directory = scratch.file(owner)
    const before = await kept(directory)
    for (const name of await readdir(directory)) await truncate(`${directory}/${name}`, 5000)
    await runIn(scratch)
    const after = await kept(directory)
    for (const role of ['child', 'program']) {
      assert.notEqual(after[role].ino, before[role].ino)
      assert.ok(after[role].size > 100_000, role)
    }
  })

  test('a file with a byte that has changed anywhere is written anew', async () => {
    await using scratch = await program()
    await runIn(scratch)
    const directory = scratch.file(owner)
    const whole = await kept(directory)
    for (const share of [0.3, 0.99]) {
      for (const name of await readdir(directory)) {
        const file = `${directory}/${name}`
        const bytes = await readFile(file)
        bytes[Math.floor(bytes.length * share)] ^= 0x40
        await writeFile(file, bytes)
      }
      await runIn(scratch)
      const after = await kept(directory)
      for (const role of ['child', 'program']) assert.notEqual(after[role].ino, whole[role].ino, `${role} ${share}`)
      Object.assign(whole, after)
    }
  })

  test('code of another text is not taken, even if the text is as long', async () => {
    await using scratch = await program()
    const library = fileURLToPath(new URL('../src/packed', import.meta.url))
    await cp(library, scratch.file('library'), { recursive: true })
    const main = scratch.file('library.cjs')
    await writeFile(
      main,
      "try { new (require('./library/index.cjs').Pool)(-5) } catch (error) { console.log(error.message) }"
    )
    const env = { ...process.env, NODE_V8_COVERAGE: '', TMPDIR: scratch.directory }
    const message = async () => (await run(process.execPath, [main], { env, timeout })).stdout
    const first = await message()
    assert.match(first, /must be an integer from 1/)
    assert.equal(await message(), first)
    for (const name of await readdir(scratch.file('library'))) {
      const file = scratch.file(`library/${name}`)
      if (!name.endsWith('.cjs')) continue
      const text = await readFile(file, 'latin1')
      await writeFile(file, text.replaceAll('an integer from', 'an integer FROM'), 'latin1')
    }
    assert.equal(await message(), first.replace('from', 'FROM'))
  })

  test('programs that start together write whole files', async () => {
    await using scratch = await program()
    await Promise.all(Array.from({ length: 4 }, () => runIn(scratch)))
    const first = await kept(scratch.file(owner))
    assert.deepEqual(Object.keys(first).sort(), ['child', 'program'])
    await runIn(scratch)
    const second = await kept(scratch.file(owner))
    await runIn(scratch)
    assert.deepEqual(await kept(scratch.file(owner)), second)
  })

  test('a file that is another one by a link is not read', async () => {
    await using scratch = await program()
    await runIn(scratch)
    const directory = scratch.file(owner)
    for (const name of await readdir(directory)) {
      await rename(`${directory}/${name}`, scratch.file(name))
      await symlink(scratch.file(name), `${directory}/${name}`)
    }
    await runIn(scratch)
    for (const name of await readdir(directory)) assert.ok((await lstat(`${directory}/${name}`)).isFile(), name)
  })

  test("another user's directory is neither read nor written", { skip: process.geteuid?.() !== 0 }, async () => {
    await using scratch = await program()
    await mkdir(scratch.file(owner), { mode: 0o700 })
    await chown(scratch.file(owner), 65_534, 65_534)
    await runIn(scratch)
    assert.deepEqual(await readdir(scratch.file(owner)), [])
  })

  test('code of other options of V8 has files of its own', async () => {
    await using scratch = await program()
    await runIn(scratch)
    await runIn(scratch, {}, ['--no-opt'])
    assert.equal((await readdir(scratch.file(owner))).length, 4)
  })

  test('a directory in which others can write is neither read nor written', async () => {
    await using scratch = await program()
    await runIn(scratch)
    const directory = scratch.file(owner)
    for (const file of await readdir(directory)) await truncate(`${directory}/${file}`, 0)
    await chmod(directory, 0o777)
    await runIn(scratch)
    for (const { size } of Object.values(await kept(directory))) assert.equal(size, 0)
  })

  test('NODE_COMPILE_CACHE names another directory, and NODE_DISABLE_COMPILE_CACHE switches it off', async () => {
    await using scratch = await program()
    await mkdir(scratch.file('elsewhere'))
    await runIn(scratch, { NODE_COMPILE_CACHE: scratch.file('elsewhere') })
    assert.deepEqual(Object.keys(await kept(scratch.file(`elsewhere/${owner}`))).sort(), ['child', 'program'])
    await runIn(scratch, { NODE_DISABLE_COMPILE_CACHE: '1' })
    await assert.rejects(readdir(scratch.file(owner)), { code: 'ENOENT' })
  })

  test('threads keep nothing: one that is terminated meanwhile would end the program', async () => {
    await using scratch = await program()
    const threads = PROGRAM.replace("index.js'", "threads.js'")
    assert.notEqual(threads, PROGRAM)
    await writeFile(scratch.file('main.mjs'), threads)
    await runIn(scratch)
    assert.deepEqual(Object.keys(await kept(scratch.file(owner))), ['program'])
  })

  test('files of a month ago are removed, and the oldest of more than 64', async () => {
    await using scratch = await program()
    const directory = scratch.file(owner)
    await mkdir(directory, { mode: 0o700 })
    for (let days = 1; days < 90; days++) {
      const file = path.join(directory, `of-${days}-days`)
      await writeFile(file, '')
      await utimes(file, 0, Date.now() / 1000 - (days * 86_400) / 2.5)
    }
    await runIn(scratch)
    const left = new Set(await readdir(directory))
    // The program and its child keep a file each.
    for (let days = 1; days <= 62; days++) assert.ok(left.has(`of-${days}-days`), `of ${days} days`)
    for (let days = 65; days < 90; days++) assert.ok(!left.has(`of-${days}-days`), `of ${days} days`)
    await rm(directory, { recursive: true })
    await mkdir(directory, { mode: 0o700 })
    await writeFile(path.join(directory, 'old'), '')
    await utimes(path.join(directory, 'old'), 0, Date.now() / 1000 - 31 * 86_400)
    await runIn(scratch)
    assert.ok(!(await readdir(directory)).includes('old'))
  })

  test('a program whose directory cannot be written runs all the same', async () => {
    await using scratch = await program()
    await runIn(scratch, { TMPDIR: '/proc' })
  })
})

test('stacks of a copy of the package name that copy, and not the one that was compiled first', {
  timeout
}, async () => {
  const show = (place: string) => `
    const { Pool } = require('${place}/index.cjs')
    try {
      new Pool(-1)
    } catch ({ stack }) {
      console.log(stack.includes('${place}/base.cjs') ? '1,4,9' : stack)
    }`
  await using scratch = await Scratch.create()
  await symlink(path.resolve(createRequire(import.meta.url).resolve('acorn'), '../../..'), scratch.file('node_modules'))
  for (const name of ['one', 'two']) {
    await cp(fileURLToPath(new URL('../src/packed', import.meta.url)), scratch.file(name), { recursive: true })
    await writeFile(
      scratch.file('main.mjs'),
      `import { createRequire } from 'node:module'
      const require = createRequire(import.meta.url)
      ${show(scratch.file(name))}`
    )
    await runIn(scratch)
  }
})

test('the package is loaded once, however it is asked for', { timeout }, async () => {
  await using scratch = await Scratch.create({
    'main.mjs': `
      import { createRequire } from 'node:module'
      import { Pool } from '${library}'
      const other = createRequire(import.meta.url)(${JSON.stringify(fileURLToPath(new URL('../src/packed/index.cjs', import.meta.url)))})
      console.log(other.Pool === Pool ? '1,4,9' : 'two')`
  })
  await runIn(scratch)
})
