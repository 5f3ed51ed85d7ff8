import workerpool from 'workerpool'
import { compute, spin, square, touch } from '../tasks.ts'

workerpool.worker({ square, spin, touch, compute })
