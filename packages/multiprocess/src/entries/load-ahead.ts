/** For those of the reserve, while there is time: what most programs need is loaded, and done once, since V8 compiles it then. */

/** This package, as the module with the target imports it as a rule; if not, Node has at least imported something by name. */
const LIBRARY: string = 'multiprocess'

export async function loadAhead(): Promise<void> {
  const { currentFamily } = await import('../ground/family.ts')
  const { decode } = await import('../codec/decode.ts')
  const { encode } = await import('../codec/encode.ts')
  await import('../crossing/shared-objects.ts')
  await import('../channel/message.ts')
  // Who has copied its files elsewhere has none by that name.
  await import(LIBRARY).catch(() => {})
  currentFamily().memory.instructionsOf(0)
  decode(encode({ args: [], list: [1, 'one', null, true], fields: new Map() }))
}
