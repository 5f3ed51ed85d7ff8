/** A call at the server, as the objects that it reaches see it. */
import type { Contexts } from './nesting.ts'
import type { Peer } from './peer.ts'

/** Thrown by a wait whose caller no longer waits. */
export class Cancelled extends Error {}

export class Call {
  readonly peer: Peer
  /** The `runExclusive` of the client that the call comes from, if the kind of the object needs that. */
  contexts: Contexts = 0
  #onCancel: (() => void) | undefined
  #controller: AbortController | undefined

  constructor(peer: Peer) {
    this.peer = peer
  }

  /** Ends the wait in which the call is now. */
  set onCancel(action: (() => void) | undefined) {
    this.#onCancel = action
  }

  /** Cancels the call: the caller no longer waits, or is gone. */
  cancel(): void {
    this.#onCancel?.()
    this.#controller?.abort(new Cancelled())
  }

  /** Aborted when the caller no longer waits. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }
}

let current: Call | undefined

/** Returns the call by which a method of a built-in object was called. The method must ask before it first awaits. */
export function currentCall(): Call {
  if (current === undefined) throw new Error('no call is being answered')
  return current
}

export function runCall<R>(call: Call, run: () => R): R {
  const outer = current
  current = call
  try {
    return run()
  } finally {
    current = outer
  }
}

/** Takes from the arguments of the current call the part that says where the call comes from. */
export function withoutContexts(args: readonly unknown[]): readonly unknown[] {
  currentCall().contexts = args.at(-1) as Contexts
  return args.slice(0, -1)
}
