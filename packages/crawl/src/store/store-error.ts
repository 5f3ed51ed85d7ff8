/** A store cannot be opened, or used; the message says why. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
}
