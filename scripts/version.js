// All packages have one version, and depend on each other by it.
//   node scripts/version.js           ends with 1, and says what differs
//   node scripts/version.js 0.2.0     sets it, also in package-lock.json
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const FIELDS = ['dependencies', 'peerDependencies', 'optionalDependencies', 'devDependencies']

const read = folder => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
const folders = () => read('.').workspaces

/** What is not as it should be, in sentences. */
export function differences() {
  const manifests = folders().map(folder => ({ folder, ...read(folder) }))
  const { version } = manifests[0]
  const versions = new Map(manifests.map(({ name, version }) => [name, version]))
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const found = []
  for (const manifest of manifests) {
    const { folder, name } = manifest
    if (manifest.version !== version) found.push(`${name} has version ${manifest.version}, not ${version}`)
    if (lock[folder]?.version !== manifest.version) found.push(`package-lock.json has another version of ${name}`)
    for (const field of FIELDS) {
      for (const [other, range] of Object.entries(manifest[field] ?? {})) {
        if (versions.has(other) && range !== version) found.push(`${name} depends on ${other} ${range}, not ${version}`)
      }
    }
  }
  return found
}

function setVersion(version) {
  const names = new Set(folders().map(folder => read(folder).name))
  for (const folder of folders()) {
    const manifest = read(folder)
    manifest.version = version
    for (const field of FIELDS) {
      for (const other of Object.keys(manifest[field] ?? {})) if (names.has(other)) manifest[field][other] = version
    }
    writeFileSync(join(root, folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  }
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: root, stdio: 'inherit' })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [version] = process.argv.slice(2)
  if (version !== undefined && !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) {
    throw new Error(`cannot set the version '${version}': it must be like 0.2.0`)
  }
  if (version !== undefined) setVersion(version)
  for (const difference of differences()) {
    console.error(difference)
    process.exitCode = 1
  }
}
