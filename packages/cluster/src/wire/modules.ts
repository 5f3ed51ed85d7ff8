/**
 * Names for modules that are valid on every machine: the package, its version, the path in it and the SHA-256 of the file. A file URL only
 * tells where one machine keeps a module, and not which version another machine has there.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MultiprocessError } from 'multiprocess'
import { sha256 } from './signature.ts'

interface Package {
  readonly name: string
  readonly version: string
  readonly directory: string
}

/** `package:NAME@VERSION/PATH#SHA256`, with a query if the URL has one. */
const NAME = /^package:(@?[^@]+)@([^/]*)\/([^?#]*)(\?[^#]*)?#([0-9a-f]{64})$/
/** The package of a module that belongs to no package with a name. */
const NO_PACKAGE = '.'

const names = new Map<string, string>()
const urls = new Map<string, string>()
const packages = new Map<string, Package>()
const hashes = new Map<string, string>()

/** Returns the name by which other machines find the module with this URL. */
export function nameModule(url: string): string {
  if (!url.startsWith('file:')) return url
  let name = names.get(url)
  if (name === undefined) {
    name = makeName(url)
    names.set(url, name)
  }
  return name
}

function makeName(url: string): string {
  const { search } = new URL(url)
  const path = fileURLToPath(url)
  const { name, version, directory } = packageAt(dirname(path))
  const inside = relative(directory, path).replaceAll(sep, '/')
  return `package:${name}@${version}/${encodeURI(inside).replaceAll('?', '%3F').replaceAll('#', '%23')}${search}#${hashOf(path)}`
}

/**
 * Returns the URL by which this program finds a module.
 * @throws MultiprocessError (`ERR_CODE_VERSION`) if this machine does not have the package, or has another version of it
 */
export function findModule(name: string): string {
  let url = urls.get(name)
  if (url === undefined) {
    url = find(name)
    urls.set(name, url)
  }
  return url
}

function find(text: string): string {
  const match = NAME.exec(text)
  if (match === null) return text
  const [, name, version, inside, search = '', hash] = match
  const found = name === NO_PACKAGE ? packageAt(process.cwd()) : packageCalled(name)
  if (found === undefined) {
    throw refusal(`package ${name} ${version} is not installed here (looked from ${process.cwd()}); install it`)
  }
  if (name !== NO_PACKAGE && found.version !== version) {
    throw refusal(
      `the sender has ${name} ${version}, this machine has ${name} ${found.version}; deploy the same version`
    )
  }
  const path = join(found.directory, decodeURIComponent(inside))
  const label = `${inside} of ${name} ${version}`
  if (!existsSync(path)) throw refusal(`this machine has no file ${label}; deploy the same version`)
  const own = hashOf(path)
  if (own !== hash) {
    throw refusal(
      `${label} differs: the sender's file has SHA-256 ${hash.slice(0, 12)}…, this machine's ${own.slice(0, 12)}…; deploy the same version`
    )
  }
  return pathToFileURL(path).href + search
}

function refusal(reason: string): MultiprocessError {
  return new MultiprocessError(`cannot use the sender's code: ${reason}`, { code: 'ERR_CODE_VERSION' })
}

/** Returns the program's own package, or one that it can import by name. */
function packageCalled(name: string): Package | undefined {
  for (let directory = process.cwd(); ; directory = dirname(directory)) {
    const own = readPackage(directory)
    if (own?.name === name) return own
    const installed = readPackage(join(directory, 'node_modules', name))
    if (installed?.name === name) return installed
    if (directory === dirname(directory)) return undefined
  }
}

/** Returns the nearest package with a name around a directory. */
function packageAt(directory: string): Package {
  const known = packages.get(directory)
  if (known !== undefined) return known
  const parent = dirname(directory)
  const found =
    readPackage(directory) ??
    (parent === directory
      ? { name: NO_PACKAGE, version: '', directory: realpathSync(process.cwd()) }
      : packageAt(parent))
  packages.set(directory, found)
  return found
}

function readPackage(directory: string): Package | undefined {
  let text: string
  try {
    text = readFileSync(join(directory, 'package.json'), 'utf8')
  } catch {
    return undefined
  }
  const { name, version = '' } = JSON.parse(text) as { name?: unknown; version?: unknown }
  if (typeof name !== 'string' || name === '') return undefined
  return { name, version: String(version), directory: realpathSync(directory) }
}

function hashOf(path: string): string {
  let hash = hashes.get(path)
  if (hash === undefined) {
    hash = sha256(readFileSync(path))
    hashes.set(path, hash)
  }
  return hash
}
