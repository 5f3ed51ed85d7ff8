/** The catalogue of what Pool does, over a cluster: all behaviours that have a meaning there. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { other } from './fixtures/conformance-face.ts'
import { missing, RedisServer } from './fixtures/redis.ts'

const timeout = 240_000
const TESTS = fileURLToPath(new URL('../../../multiprocess/dist-test/test/conformance/', import.meta.url))
const SOURCES = fileURLToPath(new URL('../../../multiprocess/test/conformance/', import.meta.url))
const FILES = ['pool-basic', 'pool-map', 'pool-starmap', 'pool-results', 'pool-imap']

describe('the catalogue of Pool, over a cluster', { skip: missing, timeout: 5 * timeout }, () => {
  for (const file of FILES) {
    test(file, { timeout }, async () => {
      await using server = await RedisServer.start()
      const child = spawn(process.execPath, ['--test-reporter=tap', `${TESTS}${file}.test.js`], {
        // A catalogue that hangs is ended before its test is.
        timeout: timeout - 20_000,
        killSignal: 'SIGKILL',
        env: {
          ...process.env,
          NODE_TEST_CONTEXT: undefined,
          CONFORMANCE_FACE: new URL('./fixtures/conformance-face.js', import.meta.url).href,
          CONFORMANCE_REDIS: server.url
        },
        stdio: ['ignore', 'pipe', 'inherit']
      })
      let output = ''
      child.stdout.setEncoding('utf8').on('data', text => {
        output += text
      })
      const [code] = await once(child, 'exit')
      const failures = output.split('\n').filter(line => /^ *not ok/.test(line))
      assert.deepEqual([code, failures], [0, []], output)
      assert.match(output, /^# pass [1-9]/m)
    })
  }

  test('each behaviour that is left out is one of the catalogue', { timeout }, () => {
    const text = FILES.map(file => readFileSync(`${SOURCES}${file}.test.ts`, 'utf8')).join('\n')
    for (const name of Object.keys(other.without)) {
      const title = name
        .replace(/\bimap(?:Unordered)?\b(?!\()/, `\${method}`)
        .replace(/endless numbers(?:Later)?$/, `endless \${source}`)
      assert.ok(text.includes(title), name)
    }
  })
})
