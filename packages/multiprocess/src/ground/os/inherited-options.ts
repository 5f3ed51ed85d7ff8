/** Chooses the Node options that a child inherits: all except those that name a program or a port of the parent's own. */
import { resolve } from 'node:path'
import { startDirectory } from './started.ts'

/** Options that children do not inherit; their argument is dropped too, unless it is joined by `=`. */
const DROPPED_WITH_ARGUMENT = new Set(
  (
    '-e --eval -p --print -pe --input-type --run --inspect-port --debug-port --inspect-publish-uid ' +
    '--test-concurrency --test-isolation --test-name-pattern --test-reporter --test-reporter-destination --test-shard ' +
    '--test-skip-pattern --test-timeout --watch-path --watch-kill-signal'
  ).split(' ')
)
/** Options that children do not inherit, nor any option that begins with one of these and a hyphen. */
const DROPPED = ['-i', '--interactive', '--inspect', '--test', '--watch']

const ENVIRONMENT_FILES = ['--env-file', '--env-file-if-exists']
/** Options that name a file; the file may be relative to the directory in which the program was started. */
const WITH_FILE = new Set(['--import', '-r', '--require', '--loader', '--experimental-loader', ...ENVIRONMENT_FILES])

/**
 * Returns the options for a child: keeps `--import tsx` and `--max-old-space-size=…`, drops `-e CODE`, `--inspect` and `--test`.
 */
export function inheritedExecArgv(execArgv: readonly string[] = process.execArgv): string[] {
  const inherited: string[] = []
  for (let i = 0; i < execArgv.length; i++) {
    const [name, joined] = execArgv[i].split(/=(.*)/s)
    if (DROPPED_WITH_ARGUMENT.has(name)) {
      if (joined === undefined && execArgv[i + 1]?.startsWith('-') === false) i++
    } else if (WITH_FILE.has(name)) {
      if (joined !== undefined) inherited.push(`${name}=${absolute(joined, name)}`)
      else if (i + 1 < execArgv.length) inherited.push(name, absolute(execArgv[++i], name))
    } else if (!DROPPED.some(option => name === option || (option.startsWith('--') && name.startsWith(`${option}-`)))) {
      inherited.push(execArgv[i])
    }
  }
  return inherited
}

/** Makes a file's name absolute. A name without `./` is a package's name, except for files of environment variables. */
function absolute(file: string, option: string): string {
  return ENVIRONMENT_FILES.includes(option) || /^\.\.?\//.test(file) ? resolve(startDirectory, file) : file
}
