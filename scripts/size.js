// Shows how large each package is as it is published, and its largest files.
//   npm run size                 builds, then prints; with --json, for other programs
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** What `npm pack` would put into a package: `{ name, version, size, unpackedSize, files }`, in bytes. */
export function sizeOf(directory) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: directory,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const answer = JSON.parse(output)
  // npm gives an array; newer ones an object by name.
  const [{ name, version, size, unpackedSize, files }] = Object.values(answer)
  return { name, version, size, unpackedSize, files }
}

export function packageDirectories() {
  return readdirSync(join(root, 'packages'))
    .map(name => join(root, 'packages', name))
    .filter(directory => JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')).private !== true)
}

const kB = bytes => `${(bytes / 1000).toFixed(1).padStart(8)} kB`

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = packageDirectories().map(sizeOf)
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify(sizes.map(({ files, ...size }) => ({ ...size, files: files.length }))))
  } else {
    for (const { name, version, size, unpackedSize, files } of sizes) {
      console.log(`${name} ${version}:${kB(size)} packed,${kB(unpackedSize)} unpacked, ${files.length} files`)
      const largest = files.toSorted((a, b) => b.size - a.size).slice(0, 5)
      for (const file of largest) console.log(`${kB(file.size)}  ${file.path}`)
    }
  }
}
