import { Pool } from 'multiprocess/threads'
import { programsOf } from './own.ts'

await programsOf(Pool)[process.argv[2]](process.argv[3])
