/** The first module of a child thread. */
import './loaders.ts'
import { workerData } from 'node:worker_threads'
import { reportedAt } from '../ground/arena/report-word.ts'
import { currentFamily, openFamily } from '../ground/family.ts'
import { inherit } from '../ground/members/inheritance.ts'
import { shareSetUps } from '../ground/os/set-up.ts'
import type { ThreadData } from '../ground/start-thread.ts'
import { awaitWork } from '../ground/work.ts'
import { runPreparation } from '../process/run-preparation.ts'
import { loadAhead } from './load-ahead.ts'
import { writeAtOnceInThread } from './output.ts'
import { runMain } from './run-main.ts'

const { id, buffer, preparation, setUps } = workerData as ThreadData
shareSetUps(setUps)
inherit({ self: id, method: 'thread', buffer })
Atomics.store(new Int32Array(buffer), reportedAt(id) / 4, 1)
writeAtOnceInThread()

process.once('exit', code => {
  const processes = openFamily('spawn')
  processes?.table.setStopped(processes.self)
  const { table, memory } = currentFamily()
  table.setEnded(id, code)
  memory.wake(table.endedWord(id) * 4, Number.POSITIVE_INFINITY)
})

runMain(async () => {
  if (preparation === null) await loadAhead()
  await runPreparation(preparation ?? awaitWork(currentFamily()).message)
})
