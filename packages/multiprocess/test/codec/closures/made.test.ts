import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../../src/codec/encode.ts'
import { cross } from '../../fixtures/closures/crossing.ts'
import { Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const CROSSING = new URL('../../fixtures/closures/crossing.js', import.meta.url).href
const REDUCE = Symbol.for('multiprocess.reduce')
const scale = 3

/** Made again by its constructor. */
class Handle {
  readonly id: unknown
  constructor(id: unknown) {
    this.id = id
  }
  [Symbol.for('multiprocess.reduce')](): unknown[] {
    return [Handle, [this.id]]
  }
}

function refusalOf(value: unknown): string {
  try {
    encode(value, 'args[0]')
  } catch (error) {
    return (error as Error).message
  }
  assert.fail('it was not refused')
}

const leadsBack = (what: string) =>
  `it leads back to ${what} that is to be made of it, and neither can be there first. Leave it out`

describe('proxies', { timeout: limit(60_000) }, () => {
  test('a proxy of an object arrives with its target and handler, and the handler does not run for it', async () => {
    const calls: unknown[] = []
    const target: Record<string, unknown> = { a: 1 }
    const trap = (name: string) => (of: object, key: never) => {
      calls.push(name)
      return (Reflect as never as Record<string, (...args: unknown[]) => unknown>)[name](of, key)
    }
    const proxy: Record<string, unknown> = new Proxy(target, {
      get: (of, key) => {
        calls.push('get')
        return Reflect.get(of, key) ?? [scale, String(key)]
      },
      ownKeys: trap('ownKeys') as never,
      getPrototypeOf: trap('getPrototypeOf') as never,
      getOwnPropertyDescriptor: trap('getOwnPropertyDescriptor') as never,
      has: trap('has') as never
    })
    target.self = proxy
    const result = await cross(
      (p, t, again) => [p.a, p.missing, p === again, t.self === p, (t.self as typeof p).a],
      proxy,
      target,
      proxy
    )
    assert.deepEqual(result, [1, [3, 'missing'], true, true, 1])
    assert.deepEqual(calls, [])
  })

  test('proxies of functions, classes, arrays and other proxies arrive', async () => {
    const twice = new Proxy((x: number) => x + scale, { apply: (fn, _, [x]) => fn(x) * 2 })
    const list = new Proxy([1, 2], { get: (of, key) => (key === 'extra' ? scale : Reflect.get(of, key)) })
    const outer = new Proxy(list, {}) as number[] & { extra: number }
    const made = new Proxy(Handle, { construct: (of, [id]) => new of([id]) })
    const results = await cross((f, l) => [f(1), l.length, l.extra, Array.isArray(l), new made(5).id], twice, outer)
    assert.deepEqual(results, [8, 2, 3, true, [5]])
  })

  test('a revoked proxy is refused', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    assert.equal(
      refusalOf({ proxy }),
      'cannot send args[0].proxy: it is a Proxy; send the object behind it, or a copy of it: { ...proxy }'
    )
    const list: unknown[] = []
    const round = new Proxy(list, {})
    list.push(round)
    assert.equal(refusalOf(round), `cannot send args[0].target[0]: ${leadsBack('the proxy')}`)
  })
})

describe('objects that say how to make them again', { timeout: limit(60_000) }, () => {
  test('an object that defines how it is created again must not be among its own components', () => {
    const box: { handle?: Handle } = {}
    const handle = new Handle(box)
    box.handle = handle
    assert.equal(refusalOf(handle), `cannot send args[0].args[0].handle: ${leadsBack('the object')}`)
    const byFunction = new Handle(() => byFunction.id)
    assert.equal(
      refusalOf(byFunction),
      `cannot send an anonymous function (args[0].args[0]): captured variable \`byFunction\` (via \`anonymous\`): ${leadsBack('the object')}`
    )
    const bound: unknown[] = []
    bound.push(Array.prototype.at.bind(bound))
    assert.equal(refusalOf(bound[0]), `cannot send args[0].this[0]: ${leadsBack('the bound function')}`)
  })

  test('an object that defines how it is created again is one object for all functions that capture it', async () => {
    const handle = new Handle({ level: 7 })
    const read = (
      of => () =>
        of.id
    )(handle)
    const other = (
      of => () =>
        of
    )(handle)
    const [first, second, isOne] = await cross(
      (f, g) => [f(), g().id, g().id === f() && g() instanceof Handle],
      read,
      other
    )
    assert.deepEqual([first, second, isOne], [{ level: 7 }, { level: 7 }, true])
  })

  test('an object that defines how it is created again gets functions that can be called', async () => {
    class Called {
      readonly value: unknown
      readonly #make: () => unknown
      constructor(make: () => unknown) {
        this.#make = make
        this.value = make()
      }
      [REDUCE](): unknown[] {
        return [Called, [this.#make]]
      }
    }
    const level = { of: scale }
    const inner = () => level.of + 1
    const make = () => inner() + level.of
    const called = new Called(make)
    const [before, after] = await cross((f, c, g) => [[f(), g()], (c as Called).value], make, called, inner)
    assert.deepEqual([before, after], [[7, 4], 7])
  })
})

describe('arrow functions that use the `this` of their module', { timeout: limit(60_000) }, () => {
  test('arrow functions of ES modules, CommonJS modules and scripts use the `this` of their module', async () => {
    await using project = await Project.create({
      'main.mjs': `
        import { cross } from '${CROSSING}'
        import { tasks } from './library.cjs'
        const top = () => [typeof this, [1].map(() => typeof this)]
        const list = [async x => { await null; return [typeof this, x] }]
        class A { field = () => this; static made = () => this; [(() => 'key')()]() {} }
        const refused = [new A().field, A.made, (function () { return () => this }).call(1)]
        const attempt = fn => cross(fn).then(String, error => error.message)
        console.log(JSON.stringify([
          await cross(top), await cross(list[0], 1), await cross(tasks[0]), await cross(tasks[1]),
          await Promise.all(refused.map(attempt))
        ]))`,
      'library.cjs': `exports.name = 'library'
const level = 2
exports.tasks = [() => [this.name, level], (() => () => this.name)()]`,
      'main.cjs': `exports.name = 'main'
const fn = () => Object.keys(this).length
import('${CROSSING}').then(async ({ cross }) => console.log(JSON.stringify(await cross(fn))))`
    })
    const [top, later, first, second, refusals] = (await project.json(['main.mjs'])) as unknown[]
    assert.deepEqual(
      [top, later],
      [
        ['undefined', ['undefined']],
        ['undefined', 1]
      ]
    )
    assert.deepEqual([first, second], [['library', 2], 'library'])
    for (const refusal of refusals as string[]) {
      assert.match(refusal, /: this arrow function uses `this` of the function around it, which V8 does not reveal\. /)
    }
    assert.equal(await project.json(['main.cjs']), 0)
    const script = `const fn = () => this === globalThis
import('${CROSSING}').then(async ({ cross }) => console.log(JSON.stringify(await cross(fn))))`
    assert.equal(await project.json(['-e', script]), true)
  })
})
