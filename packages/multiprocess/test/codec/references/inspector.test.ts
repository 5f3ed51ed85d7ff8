import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIBRARY, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const tasks = `
  export function square(x) { return x * x }
  export const makers = n => [x => x + n, class { get() { return n } }]
  export let current = () => 0
  export const renew = n => { current = () => n }
`
const attempt = `
  import { referenceOf } from '${LIBRARY.reference}'
  const tasks = await import('./tasks.mjs')
  const attempt = fn => { try { return referenceOf(fn, 'f').export } catch (error) { return error.code } }
`

describe('the inspector session', { timeout: limit(60_000) }, () => {
  test('the session is closed after success and after a refusal, and the Debugger is on once', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `
        ${attempt}
        import { Session } from 'node:inspector'
        const open = new Set(), posts = [], { connect, disconnect, post } = Session.prototype
        Session.prototype.connect = function () { open.add(this); return connect.call(this) }
        Session.prototype.disconnect = function () { open.delete(this); return disconnect.call(this) }
        Session.prototype.post = function (method, ...rest) { posts.push(method); return post.call(this, method, ...rest) }
        const resources = process.getActiveResourcesInfo().length
        const ofOurs = () => Object.getOwnPropertySymbols(globalThis).filter(key => String(key.description).includes('multiprocess'))
        const globals = ofOurs().length
        const results = []
        for (let i = 0; i < 20; i++) {
          tasks.renew(i)
          for (const fn of [tasks.current, tasks.makers(i)[0], tasks.square, function inMain() {}]) {
            results.push([attempt(fn), open.size].join())
          }
        }
        console.log(JSON.stringify({
          results: [...new Set(results)],
          enabled: posts.filter(method => method === 'Debugger.enable').length,
          symbols: Object.getOwnPropertySymbols(Session).length,
          globals: ofOurs().length - globals,
          resources: process.getActiveResourcesInfo().length - resources
        }))
      `
    })
    assert.deepEqual(await project.json(['main.mjs']), {
      results: ['current,0', 'ERR_SERIALIZATION,0', 'square,0'],
      enabled: 1,
      symbols: 0,
      globals: 0,
      resources: 0
    })
  })

  test('the session leaves nothing that keeps functions, or printed objects, alive', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `
        ${attempt}
        import { Session } from 'node:inspector'
        const refs = []
        function run() {
          for (let i = 0; i < 100; i++) {
            tasks.renew(i)
            const [arrow, Class] = tasks.makers(i)
            for (const fn of [tasks.current, arrow, Class]) attempt(fn), refs.push(new WeakRef(fn))
            const printed = { i }
            console.error(printed)
            refs.push(new WeakRef(printed))
          }
          tasks.renew(-1)
        }
        const settle = async () => { for (let i = 0; i < 5; i++) { await new Promise(setImmediate); gc() } }
        const alive = () => refs.filter(ref => ref.deref() !== undefined).length
        if (process.argv[2] === 'control') new Session().connect()
        run()
        await settle()
        console.log(JSON.stringify(alive()))
      `
    })
    assert.equal(await project.json(['--expose-gc', 'main.mjs']), 0)
    // What this probe sees when a session stays open.
    assert.ok(((await project.json(['--expose-gc', 'main.mjs', 'control'])) as number) >= 100)
  })

  test('5,000 calls with new functions do not make the heap grow', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `
        ${attempt}
        const rounds = count => { for (let i = 0; i < count; i++) { tasks.renew(i); attempt(tasks.current); attempt(tasks.makers(i)[0]) } }
        const heap = async () => { for (let i = 0; i < 5; i++) { await new Promise(setImmediate); gc() } return process.memoryUsage().heapUsed }
        rounds(300)
        const before = await heap()
        rounds(2500)
        console.log(JSON.stringify(await heap() - before))
      `
    })
    const growth = (await project.json(['--expose-gc', 'main.mjs'])) as number
    assert.ok(growth < 1_000_000, `${growth} bytes`)
  })

  test('the session does not disturb a session of the program', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'later.mjs': 'export const f = () => {}',
      'main.mjs': `
        ${attempt}
        import { Session } from 'node:inspector'
        const session = new Session(), seen = []
        session.connect()
        session.on('Runtime.consoleAPICalled', ({ params }) => seen.push(params.args[0].value))
        session.on('Debugger.scriptParsed', ({ params }) => params.url.endsWith('later.mjs') && seen.push('later.mjs'))
        session.post('Runtime.enable')
        session.post('Debugger.enable')
        const results = [tasks.square, tasks.makers(1)[0]].map(attempt)
        console.error('printed')
        const { f } = await import('./later.mjs')
        results.push(attempt(f))
        let answer
        session.post('Runtime.evaluate', { expression: '6 * 7' }, (error, { result }) => { answer = result.value })
        session.disconnect()
        console.log(JSON.stringify({ results, seen, answer }))
      `
    })
    assert.deepEqual(await project.json(['main.mjs']), {
      results: ['square', 'ERR_SERIALIZATION', 'f'],
      seen: ['printed', 'later.mjs'],
      answer: 42
    })
  })

  test('the session works where code from strings is forbidden, with frozen intrinsics, and with --inspect', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `${attempt}\nconsole.log(JSON.stringify([tasks.square, tasks.makers(1)[0], Math.max].map(attempt)))`
    })
    for (const flag of ['--disallow-code-generation-from-strings', '--frozen-intrinsics', '--inspect=127.0.0.1:0']) {
      assert.deepEqual(await project.json([flag, 'main.mjs']), ['square', 'ERR_SERIALIZATION', 'Math.max'], flag)
    }
  })

  test('the session works in a worker thread, and in a context of node:vm', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `
        import { Worker } from 'node:worker_threads'
        new Worker(new URL('./worker.mjs', import.meta.url))
      `,
      'worker.mjs': `
        ${attempt}
        import vm from 'node:vm'
        const call = vm.runInNewContext('(attempt, ...fns) => fns.map(fn => attempt(fn))')
        console.log(JSON.stringify(call(attempt, tasks.square, tasks.makers(1)[0])))
      `
    })
    assert.deepEqual(await project.json(['main.mjs']), ['square', 'ERR_SERIALIZATION'])
  })
})

describe('without the inspector', { timeout: limit(60_000) }, () => {
  const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission'
  const main = `
    ${attempt}
    import { basename } from 'node:path'
    import common from './common.cjs'
    import Default from './default.mjs'
    const message = fn => { try { return referenceOf(fn, 'args[0]') } catch (error) { return error.message } }
    const found = [common.named, common.Pair.of, basename, Buffer.concat, Math.max, tasks.square, Default].map(message)
    console.log(JSON.stringify(found))
  `
  const files = {
    'tasks.mjs': tasks,
    'default.mjs': 'export default () => {}',
    'common.cjs': 'exports.named = function () {}\nexports.Pair = class { static of() {} }'
  }

  test('functions of Node, of the language and of CommonJS are found without the inspector; others have to be named', async () => {
    await using project = await Project.create({ ...files, 'main.mjs': main })
    const found = (await project.json(['--no-warnings', flag, '--allow-fs-read=*', 'main.mjs'])) as unknown[]
    const module = project.url('common.cjs')
    const refused = (who: string, name: string) =>
      new RegExp(
        `^cannot send ${who} \\(args\\[0\\]\\): the V8 inspector, which tells where a function stands, is not available in this ` +
          `process \\(.+\\)\\. Name it as \\{ module: import\\.meta\\.url, export: '${name}' \\} in the module that exports it$`
      )
    assert.deepEqual(found.slice(0, 5), [
      { module, export: 'named' },
      { module, export: 'Pair.of' },
      { module: 'node:path', export: 'basename' },
      { module: 'node:buffer', export: 'Buffer.concat' },
      { module: 'intrinsic:', export: 'Math.max' }
    ])
    assert.match(found[5] as string, refused('`square`', 'square'))
    assert.match(found[6] as string, refused('`default`', 'default'))
  })

  test('a Node that was built without the inspector finds the same functions, and refuses closures', async () => {
    await using project = await Project.create({
      ...files,
      'without.cjs': `
        const { getBuiltinModule } = process
        const missing = () => { throw Object.assign(new Error('Inspector is not available'), { code: 'ERR_INSPECTOR_NOT_AVAILABLE' }) }
        process.getBuiltinModule = id => id === 'node:inspector' ? missing() : getBuiltinModule.call(process, id)
      `,
      'main.mjs': main
    })
    const found = (await project.json(['--require', './without.cjs', 'main.mjs'])) as unknown[]
    assert.deepEqual(found[0], { module: project.url('common.cjs'), export: 'named' })
    assert.match(found[5] as string, /is not available in this process \(Inspector is not available\)\./)
  })
})

describe('what a function costs', { timeout: limit(60_000) }, () => {
  test('a further function of a known script takes few calls of the inspector, and the same function takes none', async () => {
    await using project = await Project.create({
      'tasks.mjs': tasks,
      'main.mjs': `
        ${attempt}
        import { Session } from 'node:inspector'
        const { post } = Session.prototype
        let posts = 0
        Session.prototype.post = function (...args) { posts++; return post.apply(this, args) }
        const count = work => { const before = posts; work(); return posts - before }
        const first = count(() => referenceOf(tasks.square, ''))
        const others = Array.from({ length: 200 }, (_, i) => { tasks.renew(i); return count(() => referenceOf(tasks.current, '')) })
        const again = count(() => { for (let i = 0; i < 1000; i++) referenceOf(tasks.square, '') })
        console.log(JSON.stringify({ first, other: Math.max(...others.slice(1)), again }))
      `
    })
    const { first, other, again } = (await project.json(['main.mjs'])) as Record<string, number>
    const text = JSON.stringify({ first, other, again })
    assert.ok(first > 0 && other > 0, text)
    assert.ok(other <= first && other <= 10 && again === 0, text)
  })
})
