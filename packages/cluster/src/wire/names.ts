/** The names of everything that a cluster keeps on its server. They share one prefix, so that one rule of an ACL covers them. */
import { ValueError } from 'multiprocess'

/** The prefix of BullMQ's keys and ours. */
export const PREFIX = 'multiprocess'

export interface Names {
  /** The name of the BullMQ queue of batches. */
  readonly queue: string
  readonly machines: string
  readonly keyCheck: string
  machine(id: string): string
  inbox(id: string): string
  submitter(id: string): string
  stopped(submitter: string): string
  code(hash: string): string
  payload(job: string): string
  job(id: string): string
  /** Returns the key of a part of a crawl's frontier. */
  crawl(part: string): string
}

/** @throws TypeError, ValueError if the name is not a valid name of a cluster */
export function namesOf(name: unknown): Names {
  if (typeof name !== 'string') {
    throw new TypeError(`name must be a string, such as 'thumbs', got ${name === null ? 'null' : typeof name}`)
  }
  if (!/^[\w.-]{1,100}$/.test(name)) {
    throw new ValueError(`name must be 1 to 100 letters, digits, dots, hyphens or underscores, got '${name}'`)
  }
  const own = `${PREFIX}:${name}/`
  return {
    queue: name,
    machines: `${own}machines`,
    keyCheck: `${own}key-check`,
    machine: id => `${own}machine/${id}`,
    inbox: id => `${own}inbox/${id}`,
    submitter: id => `${own}submitter/${id}`,
    stopped: id => `${own}stopped/${id}`,
    code: hash => `${own}code/${hash}`,
    payload: job => `${own}payload/${job}`,
    job: id => `${PREFIX}:${name}:${id}`,
    crawl: part => `${own}crawl/${part}`
  }
}
