/** A store that cannot be opened, or used; its message says why. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}
