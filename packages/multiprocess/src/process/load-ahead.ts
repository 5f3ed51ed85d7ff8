/** For those of the reserve: what most programs need, loaded while there is time. */
export async function loadAhead(): Promise<void> {
  await import('../codec/decode.ts')
  await import('../codec/encode.ts')
  await import('../codec/shared-kinds.ts')
  await import('../channel/message.ts')
}
