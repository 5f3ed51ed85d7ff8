/**
 * Detects whether a server that a program connects to runs in the same thread: a blocking call would wait for itself. The greeting that
 * goes through the socket has a unique name, by which the server recognises it if both are in one thread.
 */
import { randomUUID } from 'node:crypto' // lazy

const sent = new Map<string, boolean>()

export function newGreeting(): string {
  const greeting = randomUUID()
  sent.set(greeting, false)
  return greeting
}

/** Notes that a server of this thread has received a greeting. */
export function receiveGreeting(greeting: unknown): void {
  if (sent.has(greeting as string)) sent.set(greeting as string, true)
}

/** Ends a greeting that no server will answer any more. @returns true if a server of this thread has received it */
export function endGreeting(greeting: string): boolean {
  const isOwn = sent.get(greeting) === true
  sent.delete(greeting)
  return isOwn
}
