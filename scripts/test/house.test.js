import assert from 'node:assert/strict'
import { test } from 'node:test'
import { circlesOf, faultsOf, importsOf, placeOf } from '../house.js'

const timeout = 10_000
const order = ['errors', 'low', 'high/inner', 'high', 'index']
const faults = files => faultsOf(new Map(Object.entries(files)), order)

test('imports are found in every form, and those of types alone are not', { timeout }, () => {
  const text = `
    import type { A } from './a.ts'
import { type B } from './b.ts'
import { type C, c } from '../c.ts'
import {
  d,
  e
} from './d.ts' // lazy
import './f.ts'
export { g } from './g.ts'
export type * from './h.ts'
export * from './i.ts'
// import { j } from './j.ts'
/* import { k } from './k.ts' */
const l = await import('./l.ts')
import fs from 'node:fs'
`
  assert.deepEqual(importsOf('low/x.ts', text), ['c.ts', 'low/d.ts', 'low/f.ts', 'low/g.ts', 'low/i.ts', 'low/l.ts'])
})

test('a house in order has no faults', { timeout }, () => {
  assert.deepEqual(
    faults({
      'errors.ts': 'export class Wrong {}\n',
      'low/a.ts': "import { Wrong } from '../errors.ts'\n",
      'high/inner/b.ts': "import { a } from '../../low/a.ts'\n",
      'high/c.ts': "import { b } from './inner/b.ts'\n",
      'index.ts': "export * from './high/c.ts'\n"
    }),
    []
  )
})

test('an import of a later folder is named', { timeout }, () => {
  assert.deepEqual(faults({ 'low/a.ts': "import { b } from '../high/b.ts'\n", 'high/b.ts': '' }), [
    'low/a.ts imports high/b.ts, which comes after it in the order'
  ])
})

test('circles are named, also through dynamic imports and side effects, and each once', { timeout }, () => {
  assert.deepEqual(
    faults({
      'low/a.ts': "import { b } from './b.ts'\n",
      'low/b.ts': "import './c.ts'\n",
      'low/c.ts': "const a = await import('./a.ts')\n"
    }),
    ['these files import each other: low/a.ts -> low/b.ts -> low/c.ts -> low/a.ts']
  )
  assert.deepEqual(circlesOf(new Map([['a', ['a']]])), [['a', 'a']])
})

test('files and folders that are too large are named, with their size', { timeout }, () => {
  assert.deepEqual(faults({ 'low/a.ts': '\n'.repeat(401) }), ['low/a.ts has 401 lines, 400 at most'])
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`low/${i}.ts`, '']))
  assert.deepEqual(faults(many), ['low has 21 files, 20 at most'])
})

test('two types or classes of one name are named, and faces may pass them on', { timeout }, () => {
  assert.deepEqual(faults({ 'low/a.ts': 'export class A {}\n', 'high/a.ts': 'export interface A {}\n' }), [
    'high/a.ts and low/a.ts both export a type or class A'
  ])
  assert.deepEqual(faults({ 'low/a.ts': 'export class A {}\n', 'index.ts': 'export type A = object\n' }), [])
})

test('a file without a room is named', { timeout }, () => {
  assert.deepEqual(faults({ 'elsewhere/a.ts': '' }), ['elsewhere/a.ts is in no room of the order in scripts/house.js'])
  assert.equal(placeOf('high/inner/deep/a.ts', order), 2)
})
