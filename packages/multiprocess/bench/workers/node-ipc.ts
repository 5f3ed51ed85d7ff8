import { taskByName } from '../task-by-name.ts'

const fn = taskByName(process.argv[2])

process.on('message', message => {
  const { id, argument } = message as { id: number; argument: unknown }
  process.send?.({ id, result: fn(argument) })
})
