/**
 * Named shared memory crosses by its name, and its receiver attaches to it. The first receiver in a process imports this module.
 */

import { markImported } from '../codec/references/imports.ts'
import { registerKind } from '../codec/values/registry.ts'
import { MEMORY_REQUEST } from '../codec/values/requests.ts'
import { attachList, type ShareableList } from '../memory/shareable-list.ts'
import { attachTo, handleOf, type SegmentHandle, type SharedMemory } from '../memory/shared-memory.ts'

markImported(MEMORY_REQUEST)
registerKind<SharedMemory, SegmentHandle>({
  name: 'SharedMemory',
  request: MEMORY_REQUEST,
  encode: handleOf,
  decode: attachTo
})

registerKind<ShareableList, SegmentHandle>({
  name: 'ShareableList',
  request: MEMORY_REQUEST,
  encode: list => handleOf(list.shm),
  decode: attachList
})
