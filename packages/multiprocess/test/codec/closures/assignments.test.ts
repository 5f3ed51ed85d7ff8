/** Functions that assign to a variable around them: it is a copy where they arrive, and the program is told so. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import '../../../src/process/sending.ts'
import { encode } from '../../../src/codec/encode.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(30_000) }

/** The warnings that come while `work` runs. */
async function warningsOf(work: () => void): Promise<Error[]> {
  const warnings: Error[] = []
  const note = (warning: Error): void => void warnings.push(warning)
  process.on('warning', note)
  work()
  // Warnings come by process.nextTick.
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', note)
  return warnings
}

test(
  'a function that assigns to a captured variable causes one warning, however often it is created and sent',
  LIMIT,
  async () => {
    let total = 0
    const make = () =>
      function add(x: number) {
        total += x
      }
    const warnings = await warningsOf(() => {
      for (let i = 0; i < 3; i++) encode([make(), make()])
    })
    assert.equal(total, 0)
    assert.deepEqual(
      warnings.map(({ name, message }) => [name, message]),
      [
        [
          'MultiprocessWarning',
          '`add` assigns to the captured variable `total`: the process that runs it assigns to a copy, and nothing changes here. ' +
            'Return the result, or keep its value in a shared Value'
        ]
      ]
    )
    assert.equal((warnings[0] as Error & { code?: string }).code, 'MULTIPROCESS_CAPTURED_ASSIGNMENT')
  }
)

test('each kind of assignment causes a warning that names all variables', LIMIT, async () => {
  let a = 0
  let b = [0]
  let c = { x: 0 }
  let unused = 0
  const warnings = await warningsOf(() => {
    encode(() => {
      a++
      ;[b] = [[1]]
      ;({ c } = { c: { x: 1 } })
      return unused
    })
  })
  unused = a + b[0] + c.x
  assert.match(warnings[0].message, /^an anonymous function assigns to the captured variables `a`, `b`, `c`: /)
  assert.match(warnings[0].message, /keep their values in a shared Value/)
  assert.equal(warnings.length, 1)
})

test('a function that changes nothing outside causes no warning', LIMIT, async () => {
  let cache: number | undefined
  const object = { count: 0 }
  const limit = 3
  const warnings = await warningsOf(() => {
    encode(() => (cache ??= limit))
    encode(() => {
      object.count++
      let own = 0
      own += limit
      return own
    })
  })
  assert.equal(cache, undefined)
  assert.deepEqual(warnings, [])
})
