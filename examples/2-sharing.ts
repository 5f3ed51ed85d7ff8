/** Data that processes share: arrays, values, queues, pipes. */
import * as mp from 'multiprocess'

// An Array is a typed array over shared memory.
const numbers = mp.Array('i', [1, 2, 3, 4])
const square = new mp.Process({
  target: (numbers: Int32Array) => {
    for (let i = 0; i < numbers.length; i++) numbers[i] **= 2
  },
  args: [numbers]
})
square.start()
await square.join()
console.log('squares:', numbers.join())

// A Value comes with a lock: read, change and write are one step inside runExclusive.
const count = mp.Value('i', 0)
const counters = [1, 2, 3].map(
  () =>
    new mp.Process({
      target: async () => {
        for (let i = 0; i < 1000; i++) {
          await count.runExclusive(() => {
            count.value++
          })
        }
      }
    })
)
for (const counter of counters) counter.start()
for (const counter of counters) await counter.join()
console.log('counted:', count.value)

// Ten processes put what they found into a queue.
const queue = new mp.Queue<[number, number]>()
const finders = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
  n => new mp.Process({ target: async (n: number) => queue.put([n, n * n]), args: [n] })
)
for (const finder of finders) finder.start()
const found: [number, number][] = []
for (const _ of finders) found.push(await queue.get())
for (const finder of finders) await finder.join()
console.log(
  'found:',
  found
    .sort(([a], [b]) => a - b)
    .map(([n, square]) => `${n}:${square}`)
    .join(' ')
)

// A pipe has two ends; one is the child's.
const [mine, other] = mp.Pipe<string>()
const talker = new mp.Process({
  target: async (end: mp.Connection<string>) => {
    await end.send(`I heard: ${await end.recv()}`)
  },
  args: [other]
})
talker.start()
await mine.send('hello')
console.log(await mine.recv())
await talker.join()
