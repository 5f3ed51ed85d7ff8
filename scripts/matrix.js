// Runs the packed packages through the tools that people use, and prints a line a tool.
//   npm run matrix                 all of scripts/matrix/tools.js
//   npm run matrix -- --quick      those that install in a few seconds
//   npm run matrix -- jest bun     those whose names hold one of the words
// It ends with 1 if a tool fails. A tool that the registry does not have is skipped, with the reason.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { TOOLS } from './matrix/tools.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../', import.meta.url))
const home = path.join(root, 'packages/multiprocess')
const args = process.argv.slice(2)
const words = args.filter(arg => !arg.startsWith('--'))
const chosen = TOOLS.filter(
  ({ name, isQuick }) =>
    (!args.includes('--quick') || isQuick) &&
    (words.length === 0 || words.some(word => name.toLowerCase().includes(word.toLowerCase())))
)

const INSTALL_MS = 180_000
const RUN_MS = 120_000

/** The package as it is published, unpacked once; each tool's project has a link to it. */
async function unpack(directory) {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory], { cwd: home })
  const [{ filename }] = JSON.parse(stdout)
  await run('tar', ['-xzf', filename], { cwd: directory })
  const installed = path.join(directory, 'node_modules/multiprocess')
  await mkdir(path.dirname(installed), { recursive: true })
  await run('mv', [path.join(directory, 'package'), installed])
  const { dependencies, optionalDependencies } = JSON.parse(await readFile(path.join(home, 'package.json'), 'utf8'))
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const found = path.join(root, 'node_modules', name)
    const link = path.join(directory, 'node_modules', name)
    await mkdir(path.dirname(link), { recursive: true })
    await symlink(found, link)
  }
  return path.join(directory, 'node_modules')
}

/** Installs and runs one tool in a project of its own. */
async function check(tool, directory, modules) {
  const project = path.join(directory, tool.name.replaceAll(/\W+/g, '-'))
  await mkdir(project, { recursive: true })
  const files = { 'package.json': JSON.stringify({ private: true, ...tool.manifest }), ...tool.files }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(project, name)), { recursive: true })
    await writeFile(path.join(project, name), text)
  }
  if (tool.packages !== undefined) {
    const install = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts', ...tool.packages]
    try {
      await run('npm', install, { cwd: project, timeout: INSTALL_MS })
    } catch (error) {
      return { result: 'skipped', why: `cannot install ${tool.packages.join(' ')}: ${lastLine(error.stderr)}` }
    }
  }
  await mkdir(path.join(project, 'node_modules'), { recursive: true })
  for (const name of await readdir(modules)) {
    await symlink(path.join(modules, name), path.join(project, 'node_modules', name)).catch(() => {})
  }
  const env = { ...process.env, PATH: `${path.join(project, 'node_modules/.bin')}:${process.env.PATH}`, ...tool.env }
  let output = ''
  try {
    for (const command of tool.commands) {
      const { stdout, stderr } = await run('sh', ['-c', command], { cwd: project, timeout: RUN_MS, env })
      output += stdout + stderr
    }
  } catch (error) {
    output += `${error.stdout}${error.stderr}`
    if (tool.fails === undefined) return { result: 'FAILED', why: lastLine(output) || String(error.message), output }
  }
  const expected = tool.fails ?? tool.prints
  if (expected === undefined || expected.test(output)) return { result: 'works', why: tool.note ?? '' }
  return { result: 'FAILED', why: `it did not print ${expected}`, output }
}

const lastLine = text =>
  String(text ?? '')
    .trim()
    .split('\n')
    .at(-1)
    .slice(0, 200)

const directory = await mkdtemp(path.join(tmpdir(), 'matrix-'))
const counts = { works: 0, FAILED: 0, skipped: 0 }
try {
  const modules = await unpack(directory)
  for (const tool of chosen) {
    const { result, why, output } = await check(tool, directory, modules)
    counts[result]++
    console.log(`${result.padEnd(8)} ${tool.name.padEnd(34)} ${why}`)
    if (result === 'FAILED' && output !== undefined) console.log(output.replaceAll(/^/gm, '    '))
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
console.log(`${counts.works} passed, ${counts.FAILED} failed, ${counts.skipped} skipped`)
process.exitCode = counts.FAILED > 0 || counts.works === 0 ? 1 : 0
