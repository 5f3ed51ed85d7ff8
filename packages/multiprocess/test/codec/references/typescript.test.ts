import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { callElsewhere, LIBRARY, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const isStripping = Boolean((process.features as { typescript?: string | false }).typescript)

describe('TypeScript that Node runs by stripping types', { skip: !isStripping, timeout: limit(60_000) }, () => {
  const main = `
    import { referenceOf } from '${LIBRARY.reference}'
    import def, { square, Point, api, type Shape } from './tasks.ts'
    import named from './named.ts'
    import common from './common.cts'
    import anonymous from './anonymous.mts'
    export function inMain(shape: Shape): void {}
    const attempt = (fn: Function) => { try { return referenceOf(fn, '') } catch (error) { return (error as Error).message } }
    console.log(JSON.stringify([square, Point.of, api.run, def, named, common.twice, common.inner(), anonymous, inMain].map(attempt)))
  `
  const files = {
    'package.json': '{"type":"module"}',
    'tasks.ts': `
      import type { Nothing } from './nothing.ts'
      export interface Shape { kind: string }
      const scale: number = 1
      export function square<T extends number>(x: T): number { return x * x * scale }
      export class Point { x: number; constructor(x: number) { this.x = x } static of(x: number): Point { return new Point(x) } }
      export const api = { run: (x: number): string => \`run \${x}\` } as const
      export default (x: number, y?: Nothing): number => x - 1
    `,
    'named.ts': 'const half = (x: number): number => x / 2\n\nexport default half satisfies (x: number) => number\n',
    'anonymous.mts': 'export default async function (x: number): Promise<number> { return x }',
    'common.cts': `
      function twice(x: number): number { return x * 2 }
      const hidden = (x: number): number => x
      module.exports = { twice, inner: () => hidden }
    `,
    'main.ts': main
  }

  test('another process finds functions by the name of their .ts module', async () => {
    await using project = await Project.create(files)
    const found = (await project.json(['--no-warnings', 'main.ts'])) as { module: string; export: string }[]
    assert.deepEqual(found.slice(0, 6), [
      { module: project.url('tasks.ts'), export: 'square' },
      { module: project.url('tasks.ts'), export: 'Point.of' },
      { module: project.url('tasks.ts'), export: 'api.run' },
      { module: project.url('tasks.ts'), export: 'default' },
      { module: project.url('named.ts'), export: 'default' },
      { module: project.url('common.cts'), export: 'twice' }
    ])
    assert.match(String(found[6]), /^cannot send `hidden`: it is not exported by file:\S+\/common\.cts\./)
    assert.deepEqual(found[7], { module: project.url('anonymous.mts'), export: 'default' })
    assert.match(String(found[8]), /^cannot send `inMain`: it stands in the main program/)
    const calls = [...found.slice(0, 6), found[7]].map(reference => ({ reference, args: [6] }))
    assert.deepEqual(await callElsewhere(calls, ['--no-warnings']), [36, { x: 6 }, 'run 6', 5, 3, 12, 6])
  })
})
