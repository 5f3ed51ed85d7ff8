/**
 * Processes: start them, name them, wait for them, end them.
 *
 *     def job(first, second):
 *         print(f'{current_process().name} does its job with {first} and {second}')
 *
 *     worker = Process(target=job, args=('one', 'two'), name='worker')
 *     print('before start:', worker.name, worker.is_alive(), worker.exitcode)
 *     worker.start()
 *     worker.join()
 *     print('after join:', worker.name, worker.is_alive(), worker.exitcode)
 */
import { activeChildren, cpuCount, currentProcess, Process } from 'multiprocess'

function job(first: string, second: string): void {
  console.log(`${currentProcess().name} does its job with ${first} and ${second}`)
}

console.log(`${cpuCount() > 0 ? 'some' : 'no'} processors, and this is ${currentProcess().name}`)

const worker = new Process({ target: job, args: ['one', 'two'], name: 'worker' })
console.log('before start:', worker.name, worker.isAlive(), worker.exitcode)
worker.start()
console.log(
  'children:',
  activeChildren()
    .map(child => child.name)
    .join()
)
await worker.join()
console.log('after join:', worker.name, worker.isAlive(), worker.exitcode)

const sleeper = new Process({
  target: () => new Promise(resolve => setTimeout(resolve, 60_000)),
  name: 'sleeper',
  daemon: true
})
sleeper.start()
console.log('joined in time:', await sleeper.join({ timeout: 50 }))
sleeper.terminate()
await sleeper.join()
console.log('terminated:', sleeper.exitcode)

const failing = new Process({ target: () => process.exit(3), name: 'failing' })
failing.start()
await failing.join()
console.log('exit code:', failing.exitcode)
