import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

test('a process that crawls loads the core of undici, and not its fetch and WebSocket', { timeout: 60_000 }, () => {
  const worker = new URL('../../src/work/worker.js', import.meta.url).href
  const program = `
    import { createRequire } from 'node:module'
    await import(${JSON.stringify(worker)})
    const files = Object.keys(createRequire(${JSON.stringify(worker)}).cache)
    console.log(JSON.stringify(files.filter(file => /[\\\\/]undici[\\\\/]/.test(file))))`
  const files: string[] = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
  )
  assert.ok(files.some(file => file.endsWith('agent.js')))
  assert.deepEqual(
    files.filter(file => /undici[\\/](index\.js|lib[\\/]web)/.test(file)),
    []
  )
})
