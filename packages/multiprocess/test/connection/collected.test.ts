/** Connections between programs that nobody closes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runForJson } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)

/** @param text has `pair`, and `collect`, which lets the event loop turn */
function run(text: string): Promise<unknown> {
  const program = `
import { Client, Listener, wait } from '%LIBRARY%'
const listener = new Listener()
const pair = async () => await Promise.all([Client(listener.address), listener.accept()])
async function collect() {
  gc()
  await new Promise(setImmediate)
}
${text}
await listener.close()
`
  return runForJson(program, { execArgv: ['--expose-gc'] })
}

test('a connection that is garbage-collected is closed after it has sent everything', { timeout }, async () => {
  const told = await run(`
const there = await (async () => {
  const [here, there] = await pair()
  void here.send('x'.repeat(1_000_000))
  void here.send('last')
  return there
})()
const received = []
let isOver = false
void (async () => {
  for await (const value of there) received.push(value.length)
  isOver = true
})()
while (!isOver) await collect()
console.log(JSON.stringify(received))
`)
  assert.deepEqual(told, [1_000_000, 4])
})

test('a connection with a waiting receiver stays open even if nothing else refers to it', { timeout }, async () => {
  const told = await run(`
const begin = async () => {
  const [first, there] = await pair()
  const [second, beyond] = await pair()
  return { received: first.recv(), ready: wait([second]), there, beyond }
}
const { received, ready, there, beyond } = await begin()
for (let i = 0; i < 20; i++) await collect()
await there.send('still here')
await beyond.send('here, too')
const values = await Promise.all([received, ready.then(([connection]) => connection.recv())])
console.log(JSON.stringify(values))
`)
  assert.deepEqual(told, ['still here', 'here, too'])
})
