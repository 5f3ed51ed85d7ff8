/** The kinds of objects that a server keeps, and their methods: a call names its method by the place in these lists. */

const WAITING_LOCK = ['acquire', 'release', 'locked'] as const

export const METHODS = {
  manager: ['create', 'shutdown', 'numberOfObjects', 'debugInfo', 'ping'],
  dict: [
    'get',
    'set',
    'has',
    'delete',
    'clear',
    'size',
    'keys',
    'values',
    'entries',
    'update',
    'pop',
    'popItem',
    'setDefault',
    'copy',
    'compute'
  ],
  list: [
    'at',
    'set',
    'push',
    'pop',
    'shift',
    'unshift',
    'splice',
    'slice',
    'indexOf',
    'lastIndexOf',
    'includes',
    'sort',
    'reverse',
    'length',
    'clear',
    'copy'
  ],
  set: ['add', 'has', 'delete', 'clear', 'size', 'values', 'update', 'copy'],
  namespace: ['get', 'set', 'has', 'delete', 'keys', 'copy'],
  value: ['get', 'set'],
  queue: ['put', 'putNowait', 'get', 'getNowait', 'qsize', 'empty', 'full'],
  joinableQueue: ['put', 'putNowait', 'get', 'getNowait', 'qsize', 'empty', 'full', 'taskDone', 'join'],
  lock: WAITING_LOCK,
  rlock: WAITING_LOCK,
  semaphore: [...WAITING_LOCK, 'value'],
  condition: [...WAITING_LOCK, 'wait', 'notify', 'notifyAll'],
  event: ['isSet', 'set', 'clear', 'wait'],
  barrier: ['wait', 'reset', 'abort', 'parties', 'nWaiting', 'broken'],
  pool: [
    'apply',
    'map',
    'starmap',
    'applyAsync',
    'mapAsync',
    'starmapAsync',
    'imap',
    'imapUnordered',
    'close',
    'terminate',
    'join'
  ],
  asyncResult: ['get', 'wait', 'ready', 'successful'],
  iterator: ['next', 'return', 'throw'],
  callable: ['call']
} as const

export type Kind = keyof typeof METHODS

/** One's own objects have their methods told with them. */
export const OBJECT = 'object'

export function isKind(name: string): name is Kind {
  return Object.hasOwn(METHODS, name)
}

/** The number of a method in its list. */
export function methodOf<K extends Kind>(kind: K, name: (typeof METHODS)[K][number]): number {
  return (METHODS[kind] as readonly string[]).indexOf(name)
}
