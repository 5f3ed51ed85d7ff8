import { ThreadWorker } from 'poolifier'
import { square } from '../tasks.ts'

export default new ThreadWorker<number, number>(n => square(n as number))
