/** Named shared memory crosses by its name, and is attached to where it arrives. Who receives it first imports this. */
import { attachList, isShareableList, type ShareableList } from '../memory/shareable-list.ts'
import { attachTo, handleOf, isSharedMemory, type SegmentHandle, type SharedMemory } from '../memory/shared-memory.ts'
import { registerKind } from './hooks.ts'
import { MEMORY_REQUEST, markImported } from './module-imports.ts'

markImported(MEMORY_REQUEST)
registerKind<SharedMemory, SegmentHandle>({
  name: 'SharedMemory',
  request: MEMORY_REQUEST,
  test: isSharedMemory,
  encode: handleOf,
  decode: attachTo
})

registerKind<ShareableList, SegmentHandle>({
  name: 'ShareableList',
  request: MEMORY_REQUEST,
  test: isShareableList,
  encode: list => handleOf(list.shm),
  decode: attachList
})
