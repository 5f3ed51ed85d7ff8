/** Python's order of values: `<` of numbers, strings and lists. */

/**
 * Compares as Python's `list.sort` does: numbers, bigints and booleans by value, strings by their characters, dates by their time, arrays
 * item by item, with the shorter one first. NaN, which Python leaves where it is, goes last.
 * @throws TypeError for values that Python does not compare, such as a number and a string
 */
export function compareAsPython(a: unknown, b: unknown): number {
  if (isNumeric(a) && isNumeric(b)) {
    if (a < b) return -1
    if (a > b) return 1
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  }
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  if (a instanceof Date && b instanceof Date) return compareAsPython(a.getTime(), b.getTime())
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b)
  throw new TypeError(
    `cannot sort the list: ${nameOf(a)} and ${nameOf(b)} have no order; give sort a function that compares`
  )
}

function isNumeric(value: unknown): value is number | bigint | boolean {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean'
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (Object.is(a[i], b[i])) continue
    const order = compareAsPython(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Compares by code points: JavaScript's `<` compares halves of characters above U+FFFF. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left === right) continue
    return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates belong to code points above all others. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Date) return 'a Date'
  return typeof value === 'undefined' ? 'undefined' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
}
