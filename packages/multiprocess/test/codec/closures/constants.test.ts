import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cross } from '../../fixtures/closures/crossing.ts'
import { Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const CROSSING = new URL('../../fixtures/closures/crossing.js', import.meta.url).href

/** What a compiler would refuse: it is written as text. */
const MAIN = `
  import os from 'node:os'
  import { cross } from '${CROSSING}'
  const REASON = 'Assignment to constant variable.'
  const attempt = fn => { try { return fn() } catch (error) { return error.message === REASON ? 'constant' : error } }
  const level = { deep: 1 }
  let count = 0
  var declared = 1
  const { first: [second = 3] = [], ...rest } = {}
  const change = () => [attempt(() => { level = 2 }), attempt(() => level++), attempt(() => { [level] = [1] }), level.deep, ++count, ++declared]
  const patterns = () => [attempt(() => { second = 1 }), attempt(() => { rest = 1 }), second, rest]
  const imported = () => [attempt(() => { os = 1 }), typeof os.cpus]
  const again = n => n === 0 ? attempt(() => { again = 1 }) : again(n - 1)
  const shadows = (() => {
    const name = 1
    { let name = 2; return [() => ++name, () => attempt(() => ++name), function (name) { return ++name }] }
  })()
  const outer = (() => { const name = 5; return () => { { let other = name } return attempt(() => { name = 6 }) } })()
  const hoisted = (function () { if (true) { var level = 7 } return () => ++level })()
  const parameter = (level => () => ++level)(4)
  const loops = []
  for (const i of [1]) loops.push(() => attempt(() => i++), () => i)
  for (let i = 5; i < 6; i++) loops.push(() => ++i)
  let caught
  try { throw 1 } catch (level) { caught = () => ++level }
  class Named { static rename() { return attempt(() => { Named = 1 }) } change() { return attempt(() => { count2 = 1 }) } }
  const count2 = 9
  let Open = class {}
  const reopen = () => { Open = 1; return Open }
  console.log(JSON.stringify([
    await cross((a, b) => [a(), a(), b()], change, () => count),
    await cross(patterns), await cross(imported), await cross(again, 2),
    await Promise.all(shadows.map(fn => cross(fn, 8))), await cross(outer), await cross(hoisted), await cross(parameter),
    await Promise.all(loops.map(fn => cross(fn))), await cross(caught),
    await cross((C, c) => [C.rename(), c.change()], Named, new Named()), await cross(reopen),
    await cross(async fn => {
      const { cross } = await import('${CROSSING}')
      return [await cross(fn), fn()]
    }, change)
  ]))`

describe('captured constants', { timeout: limit(60_000) }, () => {
  test('captured constants stay constants, and variables stay variables', async () => {
    await using project = await Project.create({ 'main.mjs': MAIN })
    const constants = ['constant', 'constant', 'constant', 1]
    assert.deepEqual(await project.json(['main.mjs']), [
      [[...constants, 1, 2], [...constants, 2, 3], 2],
      ['constant', 'constant', 3, {}],
      ['constant', 'function'],
      'constant',
      [3, 3, 9],
      'constant',
      8,
      5,
      ['constant', 1, 6],
      2,
      ['constant', 'constant'],
      1,
      [
        [...constants, 1, 2],
        [...constants, 1, 2]
      ]
    ])
  })

  test('captured constants keep their values while nothing changes them', async () => {
    const base = 3
    let sum = 0
    const add = (n: number): number => {
      sum += n * base
      return sum
    }
    assert.deepEqual(await cross(f => [f(1), f(2)], add), [3, 9])
  })
})
