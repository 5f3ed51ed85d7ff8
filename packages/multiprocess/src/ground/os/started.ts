/** What Node started this program with, and the program may change later on: to be imported with the first of this package. */

/** The working directory. */
export const startDirectory = process.cwd()

/** The script; undefined where there is none. */
export const startedScript: string | undefined = process.argv[1]
