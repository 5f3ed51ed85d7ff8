/** `multiprocess`: everything over processes. */
export * from './common.ts'
export { Pool } from './pool/pool.ts'
export { Process } from './process/process.ts'
