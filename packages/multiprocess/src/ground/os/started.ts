/**
 * What Node started this program with. The program may change these values later, so this module must be among the first to load.
 */

/** The working directory at the start; '/' if it has been removed. */
export const startDirectory = currentDirectory()

export function currentDirectory(): string {
  try {
    return process.cwd()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return '/'
  }
}

/** The path of Node's executable. */
export const startedNode = process.execPath

/** The path of the program's script; undefined if there is no script. */
export const startedScript: string | undefined = process.argv[1]
