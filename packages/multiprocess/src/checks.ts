/** What stands where an object of options does: Python gives some of these by position. */

/**
 * @param like what it could be, for the message
 * @throws TypeError for what would be overlooked: a number, a boolean, a function, null
 */
export function checkObject(options: unknown, like: string): void {
  if (options === undefined || (typeof options === 'object' && options !== null)) return
  const found = typeof options === 'number' || typeof options === 'boolean' ? options : typeof options
  throw new TypeError(`options must be an object such as ${like}, not ${options === null ? 'null' : found}`)
}
