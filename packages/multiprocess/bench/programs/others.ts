/** The programs, written with a pool that runs named functions of one file. */
import { check, people, type Range, rangesOf } from './work.ts'

export interface NamedPool {
  run(name: string, value: unknown): Promise<unknown>
  close(): Promise<unknown>
}

export type Open = (workers: number) => NamedPool

export async function runProgram(open: Open): Promise<void> {
  const [, , name, file] = process.argv
  const pool = open(name === 'pauses' ? 4 : 2)
  await programs[name](pool, file)
  await pool.close()
}

const programs: Readonly<Record<string, (pool: NamedPool, file: string) => Promise<void>>> = {
  apply: async pool => check((await pool.run('square', 3)) === 9, 'the square'),
  tasks: async pool => {
    const results = Array.from({ length: 50_000 }, (_, i) => pool.run('square', i))
    let last: unknown
    for (const result of results) last = await result
    check(last === 49_999 ** 2, 'the last square')
  },
  pauses: async pool => {
    const results = await Promise.all(Array.from({ length: 30 }, () => pool.run('pause', 100)))
    check(results.length === 30, 'the pauses')
  },
  objects: async pool => {
    const renamed = await Promise.all(people(10_000).map(person => pool.run('rename', person)))
    check((renamed[7] as { name: string }).name === 'PERSON 7', 'the names')
  },
  ndjson: async (pool, file) => {
    const [path, bytes, sum] = file.split(':')
    const sums = await Promise.all(rangesOf(path, Number(bytes), 16).map((range: Range) => pool.run('sumRange', range)))
    check((sums as number[]).reduce((a, b) => a + b, 0) === Number(sum), 'the sum')
  }
}
