/** A child's main ends as an ES module does that awaits what it runs; it is no such module, since Node starts faster without any. */

import { queueMicrotask } from '../ground/os/time.ts'

/** Node's exit code for a program that ends while its main module still waits. */
const UNSETTLED = 13

export function runMain(main: () => Promise<void>): void {
  let isSettled = false
  const warn = () => {
    if (!isSettled) process.exitCode ??= UNSETTLED
  }
  process.on('beforeExit', warn)
  main().then(
    () => {
      isSettled = true
    },
    error => {
      isSettled = true
      // Thrown where no promise can take it, whatever --unhandled-rejections says.
      queueMicrotask(() => {
        throw error
      })
    }
  )
}
