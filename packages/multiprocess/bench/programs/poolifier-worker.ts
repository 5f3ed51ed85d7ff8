import { ThreadWorker } from 'poolifier'
import { type Person, pause, type Range, rename, square, sumRange } from './work.ts'

export default new ThreadWorker<unknown, unknown>({
  square: n => square(n as number),
  // Told from others by its kind: one that only returns a promise would have the promise sent.
  pause: async ms => pause(ms as number),
  rename: person => rename(person as Person),
  sumRange: range => sumRange(range as Range)
})
