/** Returns a number with a noun: `1 page`, `2 pages`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

/** Returns milliseconds as seconds: `0.25 s`, `12.5 s`. */
export function seconds(ms: number): string {
  const digits = ms < 9995 ? 2 : 1
  return `${(ms / 1000).toFixed(digits)} s`
}

/** Returns bytes in a suitable unit: `812 B`, `4.2 kB`, `1.3 MB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 999_950 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** Returns the lines of a table. Its first column is aligned to the left, the others to the right, with two spaces between columns. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
  return rows.map(row =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd()
  )
}
