import { ThreadWorker } from 'poolifier'
import { taskByName } from '../task-by-name.ts'

export default new ThreadWorker<unknown, unknown>(taskByName(process.env.BENCH_TASK))
