/** What the children of channels.ts do with queues and pipes. */
import type { Connection, Event, Queue, Semaphore } from 'multiprocess'

type AnyQueue = Pick<Queue<number>, 'putSync' | 'getSync'>

export async function putAll(
  queue: AnyQueue,
  warmUp: number,
  count: number,
  ready: Semaphore,
  go: Event
): Promise<void> {
  for (let i = 0; i < count / warmUp; i++) queue.putSync(i)
  ready.release()
  await go.wait()
  for (let i = 0; i < count; i++) queue.putSync(i)
}

export function getAll(
  queue: AnyQueue,
  warmUp: number,
  count: number,
  ready: Semaphore,
  go: Event,
  done: Semaphore
): void {
  for (let i = 0; i < count / warmUp; i++) queue.getSync()
  ready.release()
  // Or it would take what another is to warm up with.
  go.waitSync()
  for (let i = 0; i < count; i++) queue.getSync()
  done.release()
}

export async function sendAll(
  connection: Connection,
  warmUp: number,
  count: number,
  size: number,
  ready: Semaphore,
  go: Event
): Promise<void> {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < count / warmUp; i++) await connection.sendBytes(bytes)
  ready.release()
  await go.wait()
  for (let i = 0; i < count; i++) await connection.sendBytes(bytes)
}

export function sendAllSync(
  connection: Connection,
  warmUp: number,
  count: number,
  size: number,
  ready: Semaphore,
  go: Event
): void {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < count / warmUp; i++) connection.sendBytesSync(bytes)
  ready.release()
  go.waitSync()
  for (let i = 0; i < count; i++) connection.sendBytesSync(bytes)
}

export function echoSync(connection: Connection, count: number, ready: Semaphore): void {
  ready.release()
  for (let i = 0; i < count; i++) connection.sendSync(connection.recvSync())
}

export async function echo(connection: Connection, count: number, ready: Semaphore): Promise<void> {
  ready.release()
  for (let i = 0; i < count; i++) await connection.send(await connection.recv())
}
