/** What a message requires before it can be read, besides modules that have a URL. Each request begins with one of these prefixes. */

/** The reader of code; the code itself follows. */
export const CODE_REQUEST = 'code:'
/** The kinds of named shared memory. */
export const MEMORY_REQUEST = 'memory:'
/** A SharedArrayBuffer; its name follows. */
export const BUFFER_REQUEST = 'buffer:'
/** The kinds of shared objects. */
export const SHARED_REQUEST = 'shared:'
/** The proxies of a manager's objects. */
export const PROXY_REQUEST = 'proxies:'
/** A connection to the server of another program; its address and key follow. */
export const REMOTE_REQUEST = 'remote:'
/** What a pool's worker runs. */
export const WORKER_REQUEST = 'worker:'
