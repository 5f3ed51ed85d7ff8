/** What Node started this program with, and the program may change later on: to be imported with the first of this package. */

/** The working directory; one that has been removed is read as the root. */
export const startDirectory = currentDirectory()

export function currentDirectory(): string {
  try {
    return process.cwd()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return '/'
  }
}

/** Node's file. */
export const startedNode = process.execPath

/** The script; undefined where there is none. */
export const startedScript: string | undefined = process.argv[1]
