/** `crawl --cluster`: one crawl by several programs. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { crawl } from 'crawl'
import type { Redis } from 'ioredis'
import { closeAll } from './fixtures/opened.ts'
import { Program } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import { CountingSite } from './fixtures/site.ts'
import { Scratch, until } from './fixtures/tools.ts'

const timeout = 120_000
const COMMAND = fileURLToPath(new URL('../../../crawl/bin/crawl.js', import.meta.url))
const DELAY_MS = 60

interface Line {
  readonly url: string
  readonly title: string
  readonly depth: number
  readonly error: string | null
}

const lines = (text: string): Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line) as Line)

const short = ({ url, title, depth, error }: Line) => `${new URL(url).pathname} ${title} ${depth} ${error}`

/** A program of the crawl; its standard output is not read. */
function machine(site: CountingSite, server: { url: string }, name: string, args: readonly string[] = []): Program {
  return new Program(COMMAND, [site.url, '--cluster', server.url, '--user-agent', `${name}/1`, ...args])
}

/** Resolves with the arrival of a program's request of that number. */
async function asks(site: CountingSite, program: Program, name: string, number: number): Promise<void> {
  const ended = program.ended().then(() => {
    if (site.pages(name).length < number) throw new Error(`${name} ended too early:\n${program.output}`)
  })
  await Promise.race([site.when(() => site.pages(name).length >= number), ended])
}

/** What one program finds. */
async function alone(site: CountingSite): Promise<string[]> {
  const found: string[] = []
  for await (const page of crawl(site.url, { processes: 0 })) found.push(short(page as Line))
  site.requests.length = 0
  return found.sort()
}

/** Each page was asked for, and no more often than it was handed out. @returns how many leases were given again */
async function checkRequests(site: CountingSite, redis: Redis): Promise<number> {
  const [urls] = await redis.keys('*crawl/urls')
  const text = await redis.eval(
    `local all = {}
     for _, url in ipairs(redis.call('HKEYS', KEYS[1])) do
       all[#all + 1] = { url, cmsgpack.unpack(redis.call('HGET', KEYS[1], url)).g }
     end
     return cjson.encode(all)`,
    1,
    urls
  )
  let expired = 0
  for (const [url, leases] of JSON.parse(text as string) as [string, number][]) {
    const asked = site.pages().filter(({ path }) => path === new URL(url).pathname).length
    assert.ok(asked >= 1 && asked <= leases, `${url} was asked for ${asked} times under ${leases} leases`)
    expired += leases - 1
  }
  return expired
}

describe('a crawl by several programs', { skip: missing, timeout: 8 * timeout }, () => {
  after(closeAll)

  test('a killed and a frozen program change no page, keep the pauses, and request no page too often', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using site = await new CountingSite(40, 15).listen()
    await using server = await RedisServer.start()
    const expected = await alone(site)
    const args = ['--delay', String(DELAY_MS), '--lease', '1.5']
    const out = scratch.file('all.jsonl')
    await using killed = machine(site, server, 'killed', [...args, '--processes', '0'])
    await using frozen = machine(site, server, 'frozen', [...args, '--processes', '0'])
    await using steady = machine(site, server, 'steady', [...args, '-o', out])
    // Nobody finishes before all have begun.
    const redis = server.client()
    site.gate = until(
      async () =>
        String(await redis.client('LIST'))
          .trim()
          .split('\n').length === 4
    )
    await Promise.all([
      asks(site, killed, 'killed', 2).then(() => killed.kill()),
      asks(site, frozen, 'frozen', 2).then(async () => {
        frozen.process.kill('SIGSTOP')
        const { path } = site.pages('frozen').at(-1)!
        const before = site.pages().length
        // Its lease has ended once another program asks for its page.
        await site.when(() =>
          site
            .pages()
            .slice(before)
            .some(one => one.path === path && one.by !== 'frozen')
        )
        frozen.process.kill('SIGCONT')
      })
    ])
    assert.equal(await steady.ended(), 0, steady.output)
    assert.equal(await frozen.ended(), 0, frozen.output)

    assert.deepEqual(lines(readFileSync(out, 'utf8')).map(short).sort(), expected)
    const gaps = site.requests.slice(1).map(({ at }, i) => at - site.requests[i].at)
    assert.ok(Math.min(...gaps) >= DELAY_MS, `requests were ${Math.min(...gaps)} ms apart`)
    const expired = await checkRequests(site, redis)
    assert.ok(expired >= 2, `${expired} leases have expired`)
  })

  test('one program prints each page, and a file gets all pages, even after the end', {
    timeout
  }, async () => {
    using scratch = new Scratch()
    await using site = await new CountingSite(40, 5).listen()
    await using server = await RedisServer.start()
    const expected = await alone(site)
    const programs = ['a', 'b'].map(name => machine(site, server, name, ['--processes', '0']))
    for (const program of programs) assert.equal(await program.ended(), 0, program.output)
    const printed = programs.flatMap(({ output }) => lines(output.replaceAll(/^[^{].*$/gm, '')))
    assert.deepEqual(printed.map(short).sort(), expected)
    const file = scratch.file('all.db')
    const all = expected.length
    for (const says of [`, ${all} pages before`, `${file} is complete: ${all} pages`]) {
      await using late = machine(site, server, 'late', ['-o', file])
      assert.equal(await late.ended(), 0, late.output)
      assert.ok(late.output.includes(says), late.output)
    }
    assert.equal(site.pages().length, all)
    const why = spawnSync(process.execPath, [COMMAND, 'why', file, '/7'], { encoding: 'utf8' })
    assert.match(why.stdout, /200/)
    const report = spawnSync(process.execPath, [COMMAND, 'report', file, '-o', '-'], { encoding: 'utf8' })
    assert.ok(report.stdout.includes(String(all)))
    // Without --cluster the file is another crawl's.
    const other = spawnSync(process.execPath, [COMMAND, site.url, '-o', file], { encoding: 'utf8' })
    assert.match(other.stderr, /it holds a crawl by --cluster '127\.0\.0\.1-\w+', not by one machine/)
    // Another crawl is begun with --fresh.
    await using again = machine(site, server, 'again', ['-o', file, '--fresh'])
    assert.equal(await again.ended(), 0, again.output)
    assert.equal(site.pages('again').length, all)
    assert.ok(again.output.includes(`All machines together: ${all} pages`), again.output)
  })

  test('the limit counts the pages of all programs together', { timeout }, async () => {
    await using site = await new CountingSite(60, 5).listen()
    await using server = await RedisServer.start()
    const args = ['--limit', '20', '--processes', '0']
    const programs = ['a', 'b', 'c'].map(name => machine(site, server, name, args))
    for (const program of programs) assert.equal(await program.ended(), 0, program.output)
    assert.equal(programs.flatMap(({ output }) => lines(output.replaceAll(/^[^{].*$/gm, ''))).length, 20)
    assert.equal(site.pages().length, 20)
  })

  for (const failure of ['is killed and started again', 'is full for a while'] as const) {
    test(`a server that ${failure} changes no page, and each page is requested once or as often as leases ended`, {
      timeout
    }, async () => {
      using scratch = new Scratch()
      await using site = await new CountingSite(40, 5).listen()
      await using server = await RedisServer.start()
      const expected = await alone(site)
      const out = scratch.file('all.jsonl')
      const args = ['--processes', '0', '--lease', '2', '--delay', '20']
      await using other = machine(site, server, 'other', args)
      await using program = machine(site, server, 'main', [...args, '-o', out])
      await site.when(() => site.pages().length >= 12)
      if (failure === 'is full for a while') {
        const redis = server.client()
        await redis.config('SET', 'maxmemory', '1mb')
        await assert.rejects(redis.set('probe', 'x'), /OOM/)
        const before = site.pages().length
        await sleep(1000)
        assert.ok(site.pages().length - before < 20)
        await redis.config('SET', 'maxmemory', '0')
      } else {
        await server.kill()
        await sleep(500)
        await server.restart()
      }
      assert.equal(await program.ended(), 0, program.output)
      assert.equal(await other.ended(), 0, other.output)
      assert.deepEqual(lines(readFileSync(out, 'utf8')).map(short).sort(), expected)
      const expired = await checkRequests(site, server.client())
      assert.ok(
        site.pages().length <= expected.length + expired,
        `${site.pages().length} requests, ${expired} leases ended`
      )
    })
  }

  test('options that do not go together are refused, with the reason', { timeout }, async () => {
    using scratch = new Scratch()
    await using site = await new CountingSite(3, 0).listen()
    await using server = await RedisServer.start()
    await using evicting = await RedisServer.start({ settings: ['--maxmemory-policy', 'allkeys-lru'] })
    await using first = machine(site, server, 'first', ['--name', 'one'])
    assert.equal(await first.ended(), 0, first.output)
    const single = scratch.file('single.db')
    await using own = new Program(COMMAND, [site.url, '-o', single])
    assert.equal(await own.ended(), 0, own.output)
    const cases: [args: string[], code: number, says: RegExp, url?: string][] = [
      [
        ['--name', 'one', '--depth', '1'],
        1,
        /cannot join the crawl 'one': its depth is null, and here it is 1; give all/
      ],
      [['--name', 'one', '--delay', '5'], 1, /its delay in milliseconds is 0, and here it is 5/],
      [['--name', 'no name'], 2, /name must be 1 to 100 letters.*got 'no name'/],
      [['-o', scratch.file('x.warc.gz')], 2, /--cluster cannot write \.warc\.gz/],
      [['-o', single], 1, /it holds a crawl by one machine, not by --cluster/],
      [['--compare'], 2, /--compare and --cluster do not go together/],
      [['--lease', '0'], 2, /--lease takes a number of seconds above 0; it was given "0"/],
      [[], 2, /url must begin with redis:\/\/ or rediss:\/\/, got 'http:\/\/x'/, 'http://x'],
      [[], 1, /maxmemory-policy is 'allkeys-lru'/, evicting.url]
    ]
    for (const [args, code, says, url = server.url] of cases) {
      await using program = machine(site, { url }, 'x', args)
      assert.equal(await program.ended(), code, program.output)
      assert.match(program.output, says)
    }
    await using nameless = new Program(COMMAND, [site.url, '--name', 'one'])
    assert.equal(await nameless.ended(), 2)
    assert.match(nameless.output, /--name goes with --cluster/)
  })

  test('a program of another version of the frontier is refused with the reason', { timeout }, async () => {
    await using site = await new CountingSite(3, 0).listen()
    await using server = await RedisServer.start()
    await using first = machine(site, server, 'first', ['--name', 'one'])
    assert.equal(await first.ended(), 0, first.output)
    const redis = server.client()
    const [key] = await redis.keys('*crawl/plan')
    const plan = JSON.parse((await redis.get(key)) ?? '') as { format: number }
    await redis.set(key, JSON.stringify({ ...plan, format: plan.format + 1 }))
    const before = site.requests.length
    await using second = machine(site, server, 'second', ['--name', 'one'])
    assert.equal(await second.ended(), 1, second.output)
    const says = new RegExp(
      `cannot join the crawl 'one': its format is ${plan.format + 1}, and here it is ${plan.format}; .*start over`
    )
    assert.match(second.output, says)
    assert.equal(site.requests.length, before)
    await using again = machine(site, server, 'again', ['--name', 'one', '--fresh'])
    assert.equal(await again.ended(), 0, again.output)
  })

  test('without the package for clusters, the command says what to install', { timeout }, () => {
    using scratch = new Scratch()
    const modules = fileURLToPath(new URL('../../../../node_modules/', import.meta.url))
    const crawler = scratch.file('node_modules/crawl')
    mkdirSync(crawler, { recursive: true })
    const source = fileURLToPath(new URL('../../../crawl/', import.meta.url))
    for (const part of ['bin', 'package.json', 'dist/src'])
      cpSync(join(source, part), join(crawler, part), { recursive: true })
    for (const name of readdirSync(modules)) {
      if (/^(?:\.|crawl$|multiprocess-cluster$)/.test(name)) continue
      symlinkSync(join(modules, name), scratch.file(`node_modules/${name}`))
    }
    const args = [join(crawler, 'bin/crawl.js'), 'http://127.0.0.1:9/', '--cluster', 'redis://127.0.0.1:9']
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.equal(status, 1, stderr)
    assert.match(
      stderr,
      /cannot use --cluster: .*'multiprocess-cluster'.*; npm install multiprocess-cluster beside crawl/
    )
  })
})
