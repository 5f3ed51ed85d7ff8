/**
 * The methods of each kind of object at a manager's server, and how a proxy calls each of them. Calls, their blocking twins and the types
 * of proxies follow from this table. A call names its method by the method's index in the row of its kind.
 */

export interface Method {
  /** True if the call may wait at the server: it takes a signal that ends the wait. */
  readonly waits: boolean
  /** The index of the timeout in the object's arguments; a proxy takes `WaitOptions` there. */
  readonly timeoutAt?: number
  /** The index of an argument that is iterated before it is sent: iterators stay in their process. */
  readonly itemsAt?: number
  /** The index of an options object whose `signal` stays in the caller's process. */
  readonly optionsAt?: number
}

const NOW = { waits: false } as const
const WAITS = { waits: true, timeoutAt: 0 } as const
const WAITS_WITH_ITEM = { waits: true, timeoutAt: 1 } as const
const TAKES_ITEMS = { waits: false, itemsAt: 0 } as const
const TASK = { waits: true, optionsAt: 2 } as const
const MAPPING = { waits: true, itemsAt: 1, optionsAt: 2 } as const
const STARTS = { waits: false, optionsAt: 2 } as const
const STARTS_MAPPING = { waits: false, itemsAt: 1, optionsAt: 2 } as const

const lock = { acquire: WAITS, release: NOW, locked: NOW } as const
const queue = {
  put: WAITS_WITH_ITEM,
  putNowait: NOW,
  get: WAITS,
  getNowait: NOW,
  qsize: NOW,
  empty: NOW,
  full: NOW
} as const

export const METHODS = {
  manager: { create: NOW, shutdown: NOW, numberOfObjects: NOW, debugInfo: NOW, ping: NOW },
  dict: {
    get: NOW,
    set: NOW,
    has: NOW,
    delete: NOW,
    clear: NOW,
    size: NOW,
    keys: NOW,
    values: NOW,
    entries: NOW,
    update: TAKES_ITEMS,
    pop: NOW,
    popItem: NOW,
    setDefault: NOW,
    copy: NOW,
    compute: NOW
  },
  list: {
    at: NOW,
    set: NOW,
    push: NOW,
    pop: NOW,
    shift: NOW,
    unshift: NOW,
    insert: NOW,
    extend: TAKES_ITEMS,
    splice: NOW,
    slice: NOW,
    indexOf: NOW,
    lastIndexOf: NOW,
    includes: NOW,
    count: NOW,
    remove: NOW,
    sort: NOW,
    reverse: NOW,
    length: NOW,
    clear: NOW,
    copy: NOW
  },
  set: {
    add: NOW,
    has: NOW,
    delete: NOW,
    pop: NOW,
    clear: NOW,
    size: NOW,
    values: NOW,
    update: TAKES_ITEMS,
    union: TAKES_ITEMS,
    intersection: TAKES_ITEMS,
    difference: TAKES_ITEMS,
    symmetricDifference: TAKES_ITEMS,
    isSubsetOf: TAKES_ITEMS,
    isSupersetOf: TAKES_ITEMS,
    isDisjointFrom: TAKES_ITEMS,
    copy: NOW
  },
  namespace: { get: NOW, set: NOW, has: NOW, delete: NOW, keys: NOW, copy: NOW },
  value: { get: NOW, set: NOW },
  queue,
  joinableQueue: { ...queue, taskDone: NOW, join: WAITS },
  lock,
  rlock: lock,
  semaphore: { ...lock, value: NOW },
  condition: { ...lock, wait: WAITS, notify: NOW, notifyAll: NOW },
  event: { isSet: NOW, set: NOW, clear: NOW, wait: WAITS },
  barrier: { wait: WAITS, reset: NOW, abort: NOW, parties: NOW, nWaiting: NOW, broken: NOW },
  pool: {
    apply: TASK,
    map: MAPPING,
    starmap: MAPPING,
    applyAsync: STARTS,
    mapAsync: STARTS_MAPPING,
    starmapAsync: STARTS_MAPPING,
    imap: STARTS,
    imapUnordered: STARTS,
    close: NOW,
    terminate: NOW,
    join: NOW
  },
  asyncResult: { get: WAITS, wait: WAITS, ready: NOW, successful: NOW },
  iterator: { next: NOW, return: NOW, throw: NOW },
  callable: { call: NOW }
} as const satisfies Readonly<Record<string, Readonly<Record<string, Method>>>>

export type MethodTable = typeof METHODS
/** The kind of an object that every manager has, such as 'dict'. */
export type ObjectKind = keyof MethodTable

/** Calls of these kinds end with the caller's contexts (`nesting.ts`): the holder of an RLock is one `runExclusive` of a process. */
export const NESTING_KINDS: ReadonlySet<string> = new Set<ObjectKind>(['rlock', 'condition'])

/** The kind of registered objects: each proxy is sent with the names of their methods. */
export const REGISTERED = 'object'

const names = new Map<ObjectKind, readonly string[]>()

export function isObjectKind(name: string): name is ObjectKind {
  return Object.hasOwn(METHODS, name)
}

/** Returns the names of a kind's methods, in the order of their numbers. */
export function methodNames(kind: ObjectKind): readonly string[] {
  let row = names.get(kind)
  if (row === undefined) {
    row = Object.keys(METHODS[kind])
    names.set(kind, row)
  }
  return row
}

/** Returns the number of a method in its row. */
export function methodNumber<K extends ObjectKind>(kind: K, name: keyof MethodTable[K] & string): number {
  return methodNames(kind).indexOf(name)
}
