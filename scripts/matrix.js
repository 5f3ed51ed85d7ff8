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
/** A registry that cannot be reached is found out soon. */
const INSTALL =
  'install --no-audit --no-fund --no-save --ignore-scripts --prefer-offline --fetch-retries=1 --fetch-timeout=60000'
/** Installations wait for the network, and programs for a processor. */
const AT_ONCE = 2

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

/** Tools with the same packages have one installation, and projects in a folder of it each. */
async function checkGroup(tools, folder, modules) {
  const { packages } = tools[0]
  await mkdir(path.join(folder, 'node_modules'), { recursive: true })
  await writeFile(path.join(folder, 'package.json'), '{ "private": true }')
  if (packages !== undefined) {
    try {
      await run('npm', [...INSTALL.split(' '), ...packages], { cwd: folder, timeout: INSTALL_MS })
    } catch (error) {
      const reason = lastLine(error.stderr) || `npm did not end in ${INSTALL_MS / 1000} s`
      for (const tool of tools) tell(tool, 'skipped', `cannot install ${packages.join(' ')}: ${reason}`)
      return
    }
  }
  for (const name of await readdir(modules)) {
    await symlink(path.join(modules, name), path.join(folder, 'node_modules', name)).catch(() => {})
  }
  for (const tool of tools) await check(tool, folder)
}

async function check(tool, folder) {
  const project = path.join(folder, tool.name.replaceAll(/\W+/g, '-'))
  const files = { 'package.json': JSON.stringify({ private: true, ...tool.manifest }), ...tool.files }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(project, name)), { recursive: true })
    await writeFile(path.join(project, name), text)
  }
  const installed = path.join(folder, 'node_modules')
  const env = { ...process.env, INSTALLED: installed, PATH: `${installed}/.bin:${process.env.PATH}`, ...tool.env }
  let output = ''
  try {
    for (const command of tool.commands) {
      const { stdout, stderr } = await run('sh', ['-c', command], { cwd: project, timeout: RUN_MS, env })
      output += stdout + stderr
    }
  } catch (error) {
    output += `${error.stdout}${error.stderr}`
    if (tool.fails === undefined) return tell(tool, 'FAILED', lastLine(output) || String(error.message), output)
  }
  const expected = tool.fails ?? tool.prints
  if (expected.test(output)) tell(tool, 'works', tool.note ?? '')
  else tell(tool, 'FAILED', `it did not print ${expected}`, output)
}

function tell({ name }, result, why, output = '') {
  counts[result]++
  console.log(`${result.padEnd(8)} ${name.padEnd(34)} ${why}`)
  if (output !== '') console.log(output.replaceAll(/^/gm, '    '))
}

const lastLine = text =>
  String(text ?? '')
    .trim()
    .split('\n')
    .at(-1)
    .slice(0, 200)

const groups = new Map()
for (const tool of chosen) {
  const key = tool.packages?.join(' ') ?? ''
  groups.set(key, [...(groups.get(key) ?? []), tool])
}

const directory = await mkdtemp(path.join(tmpdir(), 'matrix-'))
const counts = { works: 0, FAILED: 0, skipped: 0 }
try {
  const modules = await unpack(directory)
  const waiting = [...groups.values()].entries()
  const work = async () => {
    for (const [i, tools] of waiting) await checkGroup(tools, path.join(directory, `group-${i}`), modules)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
} finally {
  await rm(directory, { recursive: true, force: true })
}
console.log(`${counts.works} passed, ${counts.FAILED} failed, ${counts.skipped} skipped`)
process.exitCode = counts.FAILED > 0 || counts.works === 0 ? 1 : 0
