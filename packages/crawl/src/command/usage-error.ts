/** The command line is not one that can be run. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
