/** For those of the reserve, while there is time: what most programs need is loaded, and done once, since V8 compiles it then. */

/** This package, as the module with the target imports it as a rule. Whether or not, Node has imported a module by name then. */
const LIBRARY: string = 'multiprocess'

export async function loadAhead(): Promise<void> {
  const { currentFamily } = await import('../ground/family.ts')
  const { decode } = await import('../codec/decode.ts')
  const { encode } = await import('../codec/encode.ts')
  await import('../codec/shared-kinds.ts')
  await import('../channel/message.ts')
  await import(LIBRARY)
  currentFamily().memory.instructionsOf(0)
  decode(encode({ args: [], list: [1, 'one', null, true], fields: new Map() }))
}
