/** A call at the server, as the objects that it reaches see it. */
import type { Contexts } from './nesting.ts'
import type { Peer } from './peer.ts'

/** Thrown by a wait whose caller waits no more. */
export class Cancelled extends Error {}

export class Call {
  readonly peer: Peer
  /** Which `runExclusive` of the client it comes from, if its object asks for that. */
  contexts: Contexts = 0
  #onCancel: (() => void) | undefined
  #controller: AbortController | undefined

  constructor(peer: Peer) {
    this.peer = peer
  }

  /** What ends the wait that the call is in now. */
  set onCancel(action: (() => void) | undefined) {
    this.#onCancel = action
  }

  /** The caller waits no more, or is gone. */
  cancel(): void {
    this.#onCancel?.()
    this.#controller?.abort(new Cancelled())
  }

  /** Fires when the caller waits no more. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }
}

let current: Call | undefined

/** The call that a method of a built-in object was called by; to be asked before it first awaits. */
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

/** Takes from the arguments of the call that is answered now what says where it comes from. */
export function withoutContexts(args: readonly unknown[]): readonly unknown[] {
  currentCall().contexts = args.at(-1) as Contexts
  return args.slice(0, -1)
}
