import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { LIBRARY, Project } from '../../fixtures/functions/project.ts'
import { limit } from '../../fixtures/slowness.ts'

const show = `import { entries } from '${LIBRARY.entries}'\nconsole.log(JSON.stringify(entries()))`

describe('the entries of a program', { timeout: limit(30_000) }, () => {
  test('the script is an entry, even if the program changes process.argv', async () => {
    await using project = await Project.create({
      'main.mjs': `${show.replace('\n', '\nprocess.argv.splice(0, 9)\nprocess.chdir("/")\n')}`
    })
    assert.deepEqual(await project.json(['main.mjs']), [project.url('main.mjs')])
  })

  test('a script behind a symbolic link is an entry under both names', async () => {
    await using project = await Project.create({ 'lib/main.mjs': show, 'bin.mjs': '-> lib/main.mjs' })
    const found = (await project.json(['bin.mjs'])) as string[]
    assert.deepEqual(found.sort(), [project.url('bin.mjs'), project.url('lib/main.mjs')])
  })

  test('node -e and standard input have no entries', async () => {
    await using project = await Project.create({ 'data.mjs': '' })
    assert.deepEqual(await project.json(['--input-type=module', '-e', show, project.file('data.mjs')]), [])
    assert.deepEqual(await project.json(['--input-type=module', '-'], { input: show }), [])
  })

  test('modules that are loaded before the program are not entries', async () => {
    await using project = await Project.create({
      'main.mjs': show,
      'before.mjs': 'export const f = () => {}',
      'before.cjs': 'exports.f = () => {}'
    })
    const args = ['--require', './before.cjs', '--import', './before.mjs', 'main.mjs', 'data.mjs']
    assert.deepEqual(await project.json(args), [project.url('main.mjs')])
  })

  test('a child knows the entries of its family, and its own script is not among them', async () => {
    await using project = await Project.create({
      'child.mjs': `
        import { entries, setEntries } from '${LIBRARY.entries}'
        import { referenceOf } from '${LIBRARY.reference}'
        import { f } from './family.mjs'
        import * as own from './child.mjs'
        const try_ = fn => { try { return referenceOf(fn, '').export } catch (error) { return error.message } }
        export function g() {}
        if (process.argv[2]) setEntries([process.argv[2]])
        console.log(JSON.stringify([entries(), try_(f), try_(own.g)]))
      `,
      'family.mjs': 'export function f() {}'
    })
    const family = project.url('family.mjs')
    const refusal = (name: string) => new RegExp(`^cannot send \`${name}\`: it stands in the main program`)
    const [known, f, g] = (await project.json(['child.mjs', family])) as [string[], string, string]
    assert.deepEqual(known, [family])
    assert.match(f, refusal('f'))
    assert.equal(g, 'g')
    const [own, ownF, ownG] = (await project.json(['child.mjs'])) as [string[], string, string]
    assert.deepEqual([own, ownF], [[project.url('child.mjs')], 'f'])
    assert.match(ownG, refusal('g'))
  })

  test('a worker thread finds the program that it belongs to', async () => {
    await using project = await Project.create({
      'main.mjs': "import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./worker.mjs', import.meta.url))",
      'worker.mjs': show,
      'before.cjs': ''
    })
    const expected = [project.url('worker.mjs'), project.url('main.mjs')]
    assert.deepEqual(await project.json(['main.mjs', 'argument.mjs']), expected)
    const flags = ['--require', './before.cjs', '--max-old-space-size=200', '-C', 'special']
    assert.deepEqual(await project.json([...flags, 'main.mjs']), expected)
  })

  test('a worker thread finds its program behind a symbolic link', async () => {
    await using project = await Project.create({
      'lib/main.mjs':
        "import { Worker } from 'node:worker_threads'\nnew Worker(new URL('./worker.mjs', import.meta.url))",
      'lib/worker.mjs': show,
      'bin.mjs': '-> lib/main.mjs'
    })
    const found = (await project.json(['--preserve-symlinks', 'bin.mjs'])) as string[]
    assert.deepEqual(
      found,
      ['lib/worker.mjs', 'bin.mjs', 'lib/main.mjs'].map(name => project.url(name))
    )
  })

  test('a program that a launcher runs as the main module is an entry', async () => {
    await using project = await Project.create({
      'launcher.cjs': "require('node:module')._load(require.resolve('./main.cjs'), null, true)",
      'main.cjs': `import('${LIBRARY.entries}').then(({ entries }) => console.log(JSON.stringify(entries())))`
    })
    assert.deepEqual(await project.json(['launcher.cjs']), [project.url('launcher.cjs'), project.url('main.cjs')])
  })
})
