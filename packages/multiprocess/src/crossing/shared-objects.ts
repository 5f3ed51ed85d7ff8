/**
 * Objects over shared memory cross as themselves: by the number of their family and the offset of their block in it. All of them
 * are registered here. The first receiver of one in a process imports this module.
 */
import { type Connection, isConnection } from '../channel/connection.ts'
import { Mailbox, mailboxAt } from '../channel/mailbox.ts'
import { connectionAt, isPipeEnd } from '../channel/pipe.ts'
import { JoinableQueue, Queue } from '../channel/queue.ts'
import { SimpleQueue } from '../channel/simple-queue.ts'
import { markImported } from '../codec/references/imports.ts'
import { registerKind } from '../codec/values/registry.ts'
import { SHARED_REQUEST } from '../codec/values/requests.ts'
import { SerializationError, ValueError } from '../errors.ts'
import { boundTo } from '../ground/bound-class.ts'
import { familyWith } from '../ground/family.ts' // lazy
import { shapeOf, viewArray } from '../memory/shared-array.ts'
import { adopt, type Handle, handleOf, isShared, objectAt } from '../memory/shared-object.ts'
import { SharedCell, viewCell } from '../memory/shared-value.ts'
import type { TypeCode } from '../memory/type-codes.ts'
import { Barrier } from '../sync/barrier.ts'
import { Condition } from '../sync/condition.ts'
import { Event } from '../sync/event.ts'
import { Lock } from '../sync/lock.ts'
import { RLock } from '../sync/rlock.ts'
import { BoundedSemaphore, Semaphore } from '../sync/semaphore.ts'
import { lockOf, synchronize, withText } from '../sync/synchronized.ts'

/** How objects of one class are described in a message, and created again over their block. */
interface SharedKind<T extends object = object> {
  readonly name: string
  test(object: object): boolean
  /** Returns what the object needs besides the block. */
  describe(object: T): unknown
  revive(description: unknown, handle: Handle): T
}

/** Each class comes before the classes that it extends. */
const KINDS: readonly SharedKind[] = [
  {
    name: 'Array',
    test: object => shapeOf(object) !== undefined,
    describe: array => {
      const { code, length } = shapeOf(array) as { code: TypeCode; length: number }
      return [code, length, lockOf(array) ?? null]
    },
    revive: (description, handle) => {
      const [code, length, lock] = description as [TypeCode, number, Lock | null]
      const array = withText(viewArray(handle, { code, length }))
      return lock === null ? array : synchronize(array, lock)
    }
  },
  {
    name: 'Value',
    test: object => object instanceof SharedCell,
    describe: cell => [(cell as SharedCell).code, lockOf(cell) ?? null],
    revive: (description, handle) => {
      const [code, lock] = description as [TypeCode, Lock | null]
      const cell = viewCell(handle, code)
      return lock === null ? cell : synchronize(cell, lock)
    }
  },
  kind(BoundedSemaphore),
  kind(Semaphore),
  kind(
    Condition,
    condition => condition.lock,
    (type, lock) => new type(lock as Lock)
  ),
  kind(RLock),
  kind(Lock),
  kind(Event),
  kind(
    JoinableQueue,
    queue => queue.maxsize,
    (type, maxsize) => new type(maxsize as number)
  ),
  kind(
    Queue,
    queue => queue.maxsize,
    (type, maxsize) => new type(maxsize as number)
  ),
  kind(SimpleQueue),
  {
    name: 'Connection',
    test: isConnection,
    describe: () => null,
    revive: (_description, handle) => connectionAt(handle)
  },
  {
    name: 'Mailbox',
    test: object => object instanceof Mailbox,
    describe: () => null,
    revive: (_description, handle) => mailboxAt(handle)
  },
  kind(
    Barrier,
    ({ parties, options: { action, timeout } }) => [parties, action, timeout],
    (type, description) => {
      const [parties, action, timeout] = description as [number, (() => void)?, number?]
      return new type(parties, { action, timeout })
    }
  )
]

/** Describes a class. The received object has the class that belongs to the start method of its family. */
function kind<A extends unknown[], T extends object>(
  type: new (...args: A) => T,
  describe: (object: T) => unknown = () => null,
  revive: (type: new (...args: A) => T, description: unknown) => T = type => new (type as unknown as new () => T)()
): SharedKind {
  return {
    name: type.name,
    test: object => object instanceof type,
    describe: describe as never,
    revive: (description, handle) => {
      const bound = boundTo(type as never, handle.family.platform.method) as typeof type
      return adopt(handle, () => revive(bound, description))
    }
  }
}

type Data = readonly [kind: string, family: number, at: number, description: unknown]

markImported(SHARED_REQUEST)
registerKind<object, Data>({
  name: 'shared',
  request: SHARED_REQUEST,
  encode: (object, writer) => {
    if (!isShared(object)) {
      if (isPipeEnd(object as Connection)) {
        throw new ValueError('cannot send an end of a pipe that this process has closed')
      }
      writer.refuse(
        'a connection to another program',
        'it belongs to this process; send the address, and connect there'
      )
    }
    const { family, at } = handleOf(object)
    const found = KINDS.find(kind => kind.test(object)) as SharedKind
    writer.name(family, at)
    return [found.name, family.number, at, found.describe(object)]
  },
  decode: ([name, number, at, description]) => {
    const family = familyWith(number)
    if (family === undefined) {
      throw new SerializationError(
        `cannot receive the ${name}: it belongs to another family. What processes share can be used by the processes that ` +
          'one program started, what threads share by its threads'
      )
    }
    const found = KINDS.find(kind => kind.name === name)
    if (found === undefined || !family.shared.isBlock(at)) {
      throw new SerializationError(`cannot read the message: it is damaged: no ${name} stands at ${at}`)
    }
    const handle = { family, at }
    const known = objectAt(handle)
    if (known === undefined) family.shared.hold(at)
    return known ?? found.revive(description, handle)
  }
})
