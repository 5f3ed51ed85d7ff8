import workerpool from 'workerpool'
import { square } from '../tasks.ts'

workerpool.worker({ square })
