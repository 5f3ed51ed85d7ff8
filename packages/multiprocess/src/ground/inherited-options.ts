/** Which of this process's Node options a child gets: all but those that name a program or a port of its own. */

/** Take the next argument with them, unless it is joined by `=`. */
const WITH_ARGUMENT = new Set(['-e', '--eval', '-p', '--print', '-pe', '--input-type', '--test-name-pattern', '--run'])
const ALONE = ['-i', '--interactive', '--inspect', '--test', '--watch']

/** `--import tsx`, `--max-old-space-size=…`, `--enable-source-maps` go on; `-e CODE`, `--inspect`, `--test` do not. */
export function inheritedExecArgv(execArgv: readonly string[] = process.execArgv): string[] {
  const inherited: string[] = []
  for (let i = 0; i < execArgv.length; i++) {
    const name = execArgv[i].split('=', 1)[0]
    if (WITH_ARGUMENT.has(name)) {
      if (name === execArgv[i] && execArgv[i + 1]?.startsWith('-') === false) i++
    } else if (!ALONE.some(option => name === option || (option.startsWith('--') && name.startsWith(`${option}-`)))) {
      inherited.push(execArgv[i])
    }
  }
  return inherited
}
