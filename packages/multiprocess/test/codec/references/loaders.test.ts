import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { callElsewhere, LIBRARY, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

/** A loader that makes modules of `.up` files: the text has `function!` for `export function`, and is moved down by two lines. */
const hooks = `
  import { readFileSync } from 'node:fs'
  const made = text => '// made\\n\\n' + text.replaceAll('function!', 'export function').replaceAll('default!', 'export default')
  export const load = (url, context, next) => url.endsWith('.up')
    ? { format: 'module', source: made(readFileSync(new URL(url), 'utf8')), shortCircuit: true }
    : next(url, context)
`
const register = `
  import module from 'node:module'
  if (module.registerHooks) module.registerHooks(await import('./hooks.mjs'))
  else module.register('./hooks.mjs', import.meta.url)
`

const files = {
  'hooks.mjs': hooks,
  'register.mjs': register,
  'tasks.up':
    'function! square(x) { return x * x }\nconst half = x => x / 2\ndefault! half\nfunction hidden() {}\nfunction! getHidden() { return hidden }\n',
  'anonymous.up': 'default! x => x + 1\n',
  'main.mjs': `
    import { referenceOf } from '${LIBRARY.reference}'
    import half, { square, getHidden } from './tasks.up'
    import anonymous from './anonymous.up'
    const attempt = fn => { try { return referenceOf(fn, '') } catch (error) { return error.message } }
    console.log(JSON.stringify([square, half, anonymous, getHidden()].map(attempt)))
  `
}

describe('modules that a loader makes', { timeout: limit(30_000) }, () => {
  test("functions are found in a loader's output, and by a process with the same loader", async () => {
    await using project = await Project.create(files)
    const found = (await project.json(['--import', './register.mjs', 'main.mjs'])) as {
      module: string
      export: string
    }[]
    assert.deepEqual(found.slice(0, 3), [
      { module: project.url('tasks.up'), export: 'square' },
      { module: project.url('tasks.up'), export: 'default' },
      { module: project.url('anonymous.up'), export: 'default' }
    ])
    assert.match(String(found[3]), /^cannot send `hidden`: it is not exported by file:\S+\/tasks\.up\./)
    const calls = found.slice(0, 3).map(reference => ({ reference, args: [4] }))
    assert.deepEqual(await callElsewhere(calls, ['--import', project.url('register.mjs')]), [16, 2, 5])
    await assert.rejects(
      callElsewhere(calls),
      /cannot import file:\S+\/tasks\.up in the child process: .+; a loader that the program registers by code does not reach its children/s
    )
  })
})
