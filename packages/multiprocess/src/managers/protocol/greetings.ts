/**
 * Whether a server that a program connects to is one of its own thread: a blocking call would wait for itself. The greeting
 * that goes through the socket has a name of its own, by which the server knows it when both are in one thread.
 */
import { randomUUID } from 'node:crypto' // lazy

const sent = new Map<string, boolean>()

export function newGreeting(): string {
  const greeting = randomUUID()
  sent.set(greeting, false)
  return greeting
}

/** A server of this thread was greeted. */
export function receiveGreeting(greeting: unknown): void {
  if (sent.has(greeting as string)) sent.set(greeting as string, true)
}

/** Nobody will answer it any more. @returns whether a server of this thread has received it */
export function endGreeting(greeting: string): boolean {
  const isOwn = sent.get(greeting) === true
  sent.delete(greeting)
  return isOwn
}
