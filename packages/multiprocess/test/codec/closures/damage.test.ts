/** Messages with code that were damaged on their way. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode } from '../../../src/codec/decode.ts'
import { encode } from '../../../src/codec/encode.ts'
import { damage, decodeDamagedCode, messagesWithCode } from '../../fixtures/codec/damage.ts'
import { randomOf } from '../../fixtures/random.ts'
import { limit } from '../../fixtures/slowness.ts'

const LIMIT = { timeout: limit(180_000) }
const RUNS = Number(process.env['MULTIPROCESS_TEST_RUNS'] ?? 4000)

test('damaged code causes a SerializationError, wherever the damage is', LIMIT, () => {
  const seed = Number(process.env['MULTIPROCESS_SEED'] ?? Date.now() % 2 ** 31)
  const random = randomOf(seed)
  const intact = messagesWithCode()
  for (const bytes of intact) decodeDamagedCode(bytes)
  for (let i = 0; i < RUNS; i++) {
    const bytes = intact[Math.floor(random() * intact.length)]
    try {
      decodeDamagedCode(damage(bytes, random))
    } catch (error) {
      throw new Error(`case ${i} of MULTIPROCESS_SEED=${seed}`, { cause: error })
    }
  }
})

test('code that does not have the form of code is damaged', LIMIT, () => {
  const bytes = encode(() => LIMIT)
  const text = Buffer.from(bytes).toString('latin1')
  for (const [from, to] of [
    ['"functions":[', '"functionz":['],
    ['"unit":0', '"unit":7'],
    ['"values":[0]', '"values":{ }'],
    ['"line":', '"lime":']
  ]) {
    assert.ok(text.includes(from), from)
    const damaged = Buffer.from(text.replace(from, to), 'latin1')
    assert.throws(() => decode(damaged), {
      name: 'SerializationError',
      message: /its code has not the form of code|its code cannot be read/
    })
  }
})

test('the receiver gets the error of a constructor that refuses its arguments', LIMIT, () => {
  class Refusal extends Error {}
  class Picky {
    readonly #x: number
    constructor(x: number) {
      if (x === 1) throw new Refusal('not 1')
      this.#x = x
    }
    [Symbol.for('multiprocess.reduce')](): unknown {
      return [Picky, [this.#x - 1]]
    }
  }
  assert.throws(() => decode(encode(new Picky(2))), { message: 'not 1' })
})
