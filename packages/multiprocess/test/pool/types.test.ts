/** The compiler checks most of this file: it has to infer what stands here, and to refuse what is marked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type AsyncResult,
  type CurrentTask,
  currentTask,
  type FunctionReference,
  type IMapIterator,
  Pool,
  type PoolOptions,
  Process,
  type SettledItem,
  type Target
} from '../../src/index.ts'
import {
  identity,
  identityLater,
  list,
  nothing,
  nothingLater,
  pid,
  square,
  squareLater
} from '../fixtures/pool/tasks.ts'
import { limit } from '../fixtures/slowness.ts'

/** True only for two types that are the same, `any` among them. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Does not compile when the value is of another type than expected. */
function is<Expected>(): <Actual>(value: Actual, ...same: Same<Actual, Expected> extends true ? [] : [never]) => void {
  return () => {}
}

function add(a: number, b: number): number {
  return a + b
}

function greet(name: string, greeting = 'hello'): string {
  return `${greeting} ${name}`
}

const squareByName: FunctionReference<[number], number> = { module: import.meta.url, export: 'square' }

/** Never called: the arguments of initializers and targets are those that they take. */
export function checksArguments(target: Target): unknown[] {
  const named: PoolOptions = { initializer: greet, initargs: ['a'] }
  return [
    new Pool(1, { initializer: greet, initargs: ['a'] }),
    new Pool({ initializer: greet, initargs: ['a', 'b'] }),
    new Pool(1, { initializer: nothing }),
    new Pool(1, { initializer: target, initargs: ['anything'] }),
    new Pool(1, named),
    // @ts-expect-error a number is no name
    new Pool(1, { initializer: greet, initargs: [5] }),
    // @ts-expect-error the name is missing
    new Pool(1, { initializer: greet }),
    // @ts-expect-error the name is missing
    new Pool({ initializer: greet, initargs: [] }),

    new Process({ target: greet, args: ['a'] }),
    new Process({ target: nothing }),
    new Process({ name: 'without a target' }),
    new Process({ target: (...numbers: number[]) => numbers }),
    // @ts-expect-error the number is missing
    new Process({ target: square }),
    // @ts-expect-error a text is no number
    new Process({ target: square, args: ['a'] }),
    // @ts-expect-error one argument is missing
    new Process({ target: add, args: [1] }),
    // @ts-expect-error the module's function needs a number
    new Process({ target: squareByName })
  ]
}

/** Never called: what is checked is that it compiles. */
export async function infers(pool: Pool): Promise<void> {
  is<Promise<number>>()(pool.apply(square, [3]))
  is<Promise<number>>()(pool.apply(squareLater, [3]))
  is<Promise<number>>()(pool.apply(add, [1, 2]))
  is<Promise<string>>()(pool.apply(greet, ['a']))
  is<Promise<string>>()(pool.apply(greet, ['a', 'b']))
  is<Promise<void>>()(pool.apply(nothing))
  is<Promise<void>>()(pool.apply(nothingLater))
  is<Promise<number>>()(pool.apply(pid))
  is<Promise<string>>()(pool.apply(identity<string>, ['a']))
  is<Promise<string>>()(pool.apply(identityLater<string>, ['a']))
  is<Promise<unknown[]>>()(pool.apply(list, [1, 'a', null]))
  is<Promise<number>>()(pool.apply(squareByName, [3]))
  is<Promise<{ n: number }>>()(pool.apply((n: number) => ({ n }), [3]))
  is<Promise<number | 'none'>>()(pool.apply((n: number) => (n > 0 ? n : 'none'), [3]))

  // A generic function keeps what it was given.
  is<Promise<number[]>>()(pool.apply(<T>(x: T): T[] => [x], [3]))
  is<Promise<number[][]>>()(pool.map(<T>(x: T): T[] => [x], [3]))
  is<Promise<(string | number)[]>>()(pool.apply(<A, B>(a: A, b: B): (A | B)[] => [a, b], ['a', 1]))
  is<AsyncResult<number[]>>()(pool.applyAsync(<T>(x: T): T[] => [x], [3]))
  is<number[]>()(pool.applySync(<T>(x: T): T[] => [x], [3]))
  is<IMapIterator<number[]>>()(pool.imap(<T>(x: T): T[] => [x], [3]))
  is<IMapIterator<SettledItem<number, string>>>()(pool.imap((n: number) => String(n), [3], { settled: true }))
  is<IMapIterator<SettledItem<number, number>>>()(pool.imapUnordered(squareLater, [3], { settled: true }))

  is<AsyncResult<number>>()(pool.applyAsync(square, [3]))
  is<AsyncResult<number>>()(pool.applyAsync(squareLater, [3]))
  is<number>()(await pool.applyAsync(squareLater, [3]))
  is<Promise<number>>()(pool.applyAsync(square, [3]).get({ timeout: 5 }))
  is<Promise<boolean>>()(pool.applyAsync(square, [3]).wait({ signal: AbortSignal.timeout(5) }))
  is<Promise<string>>()(pool.applyAsync(square, [3]).then(n => `${n}`))

  is<Promise<number[]>>()(pool.map((n: number) => n * 2, [1]))
  is<Promise<number[]>>()(pool.map(async (n: number) => n * 2, [1], 10))
  is<Promise<number[]>>()(pool.map(square, new Set([1]), { chunksize: 10 }))
  is<Promise<string[]>>()(pool.map((n: number) => `${n}`, (async function* () {})() as AsyncIterable<number>))
  is<Promise<string[]>>()(pool.map(([key, n]: [string, number]) => key + n, new Map([['a', 1]])))

  is<AsyncResult<number[]>>()(pool.mapAsync(square, [1]))
  is<AsyncResult<number[]>>()(pool.mapAsync(squareLater, new Set([1]), { chunksize: 10 }))
  is<AsyncResult<number[]>>()(pool.mapAsync(square, [1], { callback: all => is<number[]>()(all) }))
  is<Promise<number[]>>()(pool.starmap(add, [[1, 2]]))
  is<Promise<string[]>>()(pool.starmap(greet, [['a'], ['a', 'b']], 10))
  is<Promise<number[]>>()(pool.starmap(squareLater, (async function* () {})() as AsyncIterable<[number]>))
  is<AsyncResult<number[]>>()(pool.starmapAsync(add, [[1, 2]], { callback: all => is<number[]>()(all) }))

  is<number>()(pool.applySync(square, [3]))
  is<number>()(pool.applySync(squareLater, [3], { timeout: 100 }))
  is<void>()(pool.applySync(nothing))

  is<IMapIterator<number>>()(pool.imap(square, [1]))
  is<IMapIterator<number>>()(pool.imap(squareLater, [1], 10))
  is<IMapIterator<string>>()(pool.imapUnordered((n: number) => `${n}`, [1], { chunksize: 2, buffersize: 10 }))
  for await (const n of pool.imap(squareLater, [1])) is<number>()(n)
  const step = await pool.imap(square, [1]).next({ timeout: 5 })
  if (step.done !== true) is<number>()(step.value)

  is<Promise<number>>()(
    pool.apply(square, [3], { callback: n => is<number>()(n), errorCallback: e => is<unknown>()(e) })
  )
  is<CurrentTask | null>()(currentTask())
  is<number>()(pool.stats.workers[0].rss)
  void pool.map(square, [1], { progress: true, timeout: 5, retries: 2, killAfter: 5, signal: AbortSignal.timeout(5) })
  pool.imap(square, [1], { progress: (_, total) => is<number | undefined>()(total) })
  is<void>()(pool.close())
  is<void>()(pool.terminate())
  is<Promise<void>>()(pool.join())
}

/** Never called: each marked line must not compile. */
export function refuses(pool: Pool): void {
  // @ts-expect-error: an argument of another type
  void pool.apply(square, ['3'])
  // @ts-expect-error: an argument too many
  void pool.apply(square, [3, 4])
  // @ts-expect-error: an argument too few
  void pool.apply(add, [3])
  // @ts-expect-error: arguments that are no array
  void pool.apply(square, 3)
  // @ts-expect-error: the same for applyAsync
  void pool.applyAsync(add, [3, 'a'])
  // @ts-expect-error: a name without a module
  void pool.apply({ export: 'square' }, [3])
  // @ts-expect-error: an argument of another type, for a function that is named
  void pool.apply(squareByName, ['3'])
  // @ts-expect-error: items of another type
  void pool.map(square, ['a'])
  // @ts-expect-error: a function of two arguments gets only one
  void pool.map(add, [1])
  // @ts-expect-error: no items
  pool.map(square, 7)
  // @ts-expect-error: items of another type
  void pool.mapAsync(square, ['a'])
  // @ts-expect-error: the options of mapAsync are an object
  pool.mapAsync(square, [1], 10)
  // @ts-expect-error: the callback gets all results
  void pool.mapAsync(square, [1], { callback: (value: number) => value })
  // @ts-expect-error: items that are no arguments
  void pool.starmap(square, [1])
  // @ts-expect-error: an argument too few
  void pool.starmap(add, [[1]])
  // @ts-expect-error: an argument of another type
  void pool.starmapAsync(add, [[1, 'a']])
  // @ts-expect-error: an argument of another type
  pool.applySync(square, ['3'])
  // @ts-expect-error: applySync has no callback
  pool.applySync(square, [3], { callback: () => {} })
  // @ts-expect-error: a blocked thread hears no signal
  pool.applySync(square, [3], { signal: AbortSignal.timeout(5) })
  // @ts-expect-error: items of another type
  pool.imap(square, ['a'])
  // @ts-expect-error: items of another type
  pool.imapUnordered(square, new Set(['a']))
  // @ts-expect-error: chunksize is a number
  void pool.map(square, [1], { chunksize: '2' })
  // @ts-expect-error: progress tells numbers
  void pool.map(square, [1], { progress: (done: string) => done })
  // @ts-expect-error: a timeout is a number
  void pool.apply(square, [1], { timeout: '1' })
  // @ts-expect-error: no AbortSignal
  void pool.map(square, [1], { signal: new AbortController() })
  // @ts-expect-error: stats are read, not set
  pool.stats.submitted = 7
  // @ts-expect-error: map has no buffersize
  void pool.map(square, [1], { buffersize: 2 })
  // @ts-expect-error: the callback gets a number
  void pool.applyAsync(square, [3], { callback: (value: string) => value })
  // @ts-expect-error: no such option
  new Pool(2, { threads: 2 })
  // @ts-expect-error: the number of processes is a number
  new Pool('2')
  // @ts-expect-error: initargs are an array
  new Pool({ initializer: nothing, initargs: 7 })
  // @ts-expect-error: a result is read, not set
  const text: string = pool.applyAsync(square, [3])
  void text
}

test('the results have at run time the types that the compiler checked', { timeout: limit(120_000) }, async () => {
  const options: PoolOptions = {
    processes: 1,
    initializer: nothing,
    initargs: [],
    maxTasksPerChild: 100,
    concurrency: 2
  }
  await using pool: AsyncDisposable & Pool = new Pool(options)
  const squares: number[] = await pool.map(square, [1, 2])
  const iterator: AsyncIterableIterator<number> = pool.imap(square, [3])
  const result: PromiseLike<number> = pool.applyAsync(squareLater, [4])
  assert.deepEqual([...squares, (await iterator.next()).value, await result], [1, 4, 9, 16])
})
