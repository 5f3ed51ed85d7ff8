/** What the children of channels.ts do with queues and pipes. */
import type { Connection, Event, Queue, Semaphore } from 'multiprocess'

type AnyQueue = Pick<Queue<number>, 'putSync' | 'getSync'>

export async function putAll(queue: AnyQueue, count: number, ready: Semaphore, go: Event): Promise<void> {
  ready.release()
  await go.wait()
  for (let i = 0; i < count; i++) queue.putSync(i)
}

export function getAll(queue: AnyQueue, count: number, ready: Semaphore, done: Semaphore): void {
  ready.release()
  for (let i = 0; i < count; i++) queue.getSync()
  done.release()
}

export async function sendAll(
  connection: Connection,
  count: number,
  size: number,
  ready: Semaphore,
  go: Event
): Promise<void> {
  const bytes = new Uint8Array(size)
  ready.release()
  await go.wait()
  for (let i = 0; i < count; i++) await connection.sendBytes(bytes)
}

export function echoSync(connection: Connection, count: number, ready: Semaphore): void {
  ready.release()
  for (let i = 0; i < count; i++) connection.sendSync(connection.recvSync())
}

export async function echo(connection: Connection, count: number, ready: Semaphore): Promise<void> {
  ready.release()
  for (let i = 0; i < count; i++) await connection.send(await connection.recv())
}
