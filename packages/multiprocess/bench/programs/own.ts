/** The programs, written with this library over processes or threads. */
import type * as processes from 'multiprocess'
import { check, compute, isWanted, pause, people, rangesOf, rename, square, sumRange, WANTED } from './work.ts'

type Pool = processes.Pool

export function programsOf(Pool: typeof processes.Pool): Readonly<Record<string, (file: string) => Promise<void>>> {
  const run = async (workers: number, use: (pool: Pool) => Promise<void>) => {
    const pool = new Pool(workers)
    await use(pool)
    pool.close()
    await pool.join()
  }
  return {
    apply: () => run(2, async pool => check((await pool.apply(square, [3])) === 9, 'the square')),
    tasks: () =>
      run(2, async pool => {
        const results = Array.from({ length: 50_000 }, (_, i) => pool.applyAsync(square, [i]))
        let last = 0
        for (const result of results) last = await result.get()
        check(last === 49_999 ** 2, 'the last square')
      }),
    map: () =>
      run(2, async pool => {
        const squares = await pool.map(
          square,
          Array.from({ length: 1_000_000 }, (_, i) => i)
        )
        check(squares.length === 1_000_000 && squares[999_999] === 999_999 ** 2, 'the squares')
      }),
    pauses: () =>
      run(4, async pool => check((await pool.map(pause, new Array(30).fill(100), 1)).length === 30, 'the pauses')),
    stop: async () => {
      const pool = new Pool(2)
      const numbers = Array.from({ length: 10_000 }, (_, i) => i)
      for await (const found of pool.imapUnordered(isWanted, numbers, { chunksize: 16 })) {
        if (found === null) continue
        check(found === WANTED, 'the number')
        break
      }
      pool.terminate()
      await pool.join()
    },
    objects: () =>
      run(2, async pool => check((await pool.map(rename, people(10_000)))[7]?.name === 'PERSON 7', 'the names')),
    work: count =>
      run(2, async pool => {
        const results = await pool.map(
          compute,
          Array.from({ length: Number(count) }, (_, i) => i)
        )
        check(results.length === Number(count), 'the work')
      }),
    ndjson: file => {
      const [path, bytes, sum] = file.split(':')
      return run(2, async pool => {
        const sums = await pool.map(sumRange, rangesOf(path, Number(bytes), 16), 1)
        check(sums.reduce((a, b) => a + b, 0) === Number(sum), 'the sum')
      })
    }
  }
}
