/** The options on which the programs of one crawl have to agree. */

/** The version of what is kept on the server. Programs of another version cannot take part. */
export const FORMAT = 1

type Plan = Readonly<Record<string, unknown>>

/** Compares two plans. @returns null, or a text with the first option that differs and both values */
export function differenceOf(theirs: Plan, own: Plan): string | null {
  const [mine, others] = [own, theirs].map(plan => JSON.parse(JSON.stringify(plan)) as Plan)
  for (const name of new Set([...Object.keys(mine), ...Object.keys(others)])) {
    const [a, b] = [others[name], mine[name]].map(value => JSON.stringify(value) ?? 'nothing')
    if (a !== b) return `its ${name} is ${a}, and here it is ${b}`
  }
  return null
}
