/** Loads what most programs need, and runs it once so that V8 compiles it: for members of the reserve, while there is time. */

/** This package, by the name by which the target's module usually imports it. If not, Node has at least imported something by its name. */
const LIBRARY: string = 'multiprocess'

export async function loadAhead(): Promise<void> {
  const { currentFamily } = await import('../ground/family.ts')
  const { decode } = await import('../codec/decode.ts')
  const { encode } = await import('../codec/encode.ts')
  await import('../crossing/shared-objects.ts')
  await import('../channel/message.ts')
  // If a program has copied the files elsewhere, there may be no package with this name.
  await import(LIBRARY).catch(() => {})
  currentFamily().memory.instructionsOf(0)
  decode(encode({ args: [], list: [1, 'one', null, true], fields: new Map() }))
}
