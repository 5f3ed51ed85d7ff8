/** Listener and Client with CPython on the other side: bytes, both ways, by both runs of showing keys. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { AuthenticationError, Client, Listener } from '../../src/index.ts'
import {
  BY_DIGEST,
  CLIENT,
  LISTENER,
  legacyPython,
  modernPython,
  type Python,
  PythonProgram
} from '../fixtures/connection/python.ts'
import { limit } from '../fixtures/slowness.ts'

const authkey = 'the key'
const timeout = limit(60_000)
const large = Uint8Array.from({ length: 3_000_000 }, (_, i) => i % 250)

const runs: [name: string, python: Python | undefined, legacyMd5: boolean, first: string][] = [
  ['Python before 3.12, by HMAC-MD5,', legacyPython, true, ''],
  ['Python 3.12 or later, by HMAC-SHA256,', modernPython, false, ''],
  ['Python before 3.12 that was taught HMAC-SHA256', legacyPython, false, BY_DIGEST]
]

for (const [name, python, legacyMd5, first] of runs) {
  const skip = python === undefined && 'there is no such Python here'
  describe(`${name} and this package`, { timeout, skip }, () => {
    test('a Client of this package exchanges bytes with a listener of Python', async () => {
      const program = new PythonProgram(python as Python, first + LISTENER)
      const port = Number(await program.firstLine())
      using connection = await Client({ host: '127.0.0.1', port }, { authkey, legacyMd5 })
      await connection.sendBytes(Buffer.from('hello'))
      assert.equal(text(await connection.recvBytes()), '5 hello')
      connection.sendBytesSync(Buffer.from('blocking'))
      assert.equal(text(connection.recvBytesSync()), '8 blocking')
      await connection.sendBytes(new Uint8Array(0))
      assert.equal(text(await connection.recvBytes()), '0 ')
      const [, answer] = await Promise.all([connection.sendBytes(large), connection.recvBytes()])
      assert.deepEqual(Buffer.from(answer), Buffer.concat([Buffer.from('3000000 '), large]))
      connection.close()
      assert.deepEqual(await program.end(), [String(port), 'end of file'])
    })

    for (const way of ['an event loop', 'a blocked thread'] as const) {
      test(`a Listener of this package exchanges bytes with clients of Python, at every kind of address, in ${way}`, async () => {
        const path = join(tmpdir(), `multiprocess-test-${process.pid}`)
        const places = [{ host: 'localhost', port: 0 }, path, `\0multiprocess-test-${process.pid}`]
        for (const place of places) {
          await using listener = new Listener(place, { authkey, legacyMd5 })
          const { address } = listener
          const args = typeof address === 'string' ? [address.replace('\0', '@')] : ['127.0.0.1', String(address.port)]
          const program = new PythonProgram(python as Python, first + CLIENT, ...args)
          if (way === 'an event loop') {
            using connection = await listener.accept()
            for (let i = 0; i < 2; i++) await connection.sendBytes(await connection.recvBytes())
          } else {
            using connection = listener.acceptSync()
            for (let i = 0; i < 2; i++) connection.sendBytesSync(connection.recvBytesSync())
          }
          assert.deepEqual(await program.end(), ['hello', '3000000 True'])
        }
      })
    }

    test('a wrong key is refused on both sides', async () => {
      const server = new PythonProgram(python as Python, first + LISTENER)
      const port = Number(await server.firstLine())
      await assert.rejects(Client({ host: '127.0.0.1', port }, { authkey: 'another', legacyMd5 }), AuthenticationError)
      assert.match((await server.end())[1], /^AuthenticationError digest received was wrong/)

      await using listener = new Listener({ host: 'localhost', port: 0 }, { authkey: 'another', legacyMd5 })
      const { address } = listener as { address: { host: string; port: number } }
      const client = new PythonProgram(python as Python, first + CLIENT, '127.0.0.1', String(address.port))
      await assert.rejects(listener.accept(), AuthenticationError)
      assert.match((await client.end())[0], /^AuthenticationError digest sent was rejected/)
    })
  })
}

test('Python before 3.12 is let in only if the listener allows it', {
  timeout,
  skip: legacyPython === undefined
}, async () => {
  const server = new PythonProgram(legacyPython as Python, LISTENER)
  const port = Number(await server.firstLine())
  await assert.rejects(Client({ host: '127.0.0.1', port }, { authkey }), /HMAC-MD5 only.*legacyMd5/)
  server.kill()

  await using listener = new Listener({ host: 'localhost', port: 0 }, { authkey })
  const { address } = listener as { address: { host: string; port: number } }
  const client = new PythonProgram(legacyPython as Python, CLIENT, '127.0.0.1', String(address.port))
  await assert.rejects(listener.accept(), /HMAC-MD5 only.*legacyMd5/)
  assert.match((await client.end())[0], /^AuthenticationError/)
})

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}
