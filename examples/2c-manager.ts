/** A manager: dicts, lists and locks that any process reaches, and an object of one's own. */
import {
  type DictProxy,
  defineManager,
  type ListProxy,
  Manager,
  Pool,
  Process,
  type SemaphoreProxy
} from 'multiprocess'

// Its server is a process of its own, which ends with this one.
const manager = await Manager()

// Ten processes write one dict.
const squares = await manager.dict<number, number>()
const writers = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(
  n =>
    new Process({
      target: async (squares: DictProxy<number, number>, n: number) => squares.set(n, n * n),
      args: [squares, n]
    })
)
for (const writer of writers) writer.start()
for (const writer of writers) await writer.join()
console.log('squares:', (await squares.values()).sort((a, b) => a - b).join())

// Reading and writing are two calls: others come between, unless a lock keeps them out.
const [numbers, turn] = [await manager.list([0]), await manager.BoundedSemaphore(1)]
const pool = new Pool(4)
await pool.starmap(
  async (numbers: ListProxy<number>, turn: SemaphoreProxy) => {
    await turn.runExclusive(async () => {
      const last = (await numbers.at(-1)) as number
      await numbers.push(last + 1)
    })
  },
  Array.from({ length: 10 }, () => [numbers, turn] as [ListProxy<number>, SemaphoreProxy])
)
pool.close()
await pool.join()
console.log('numbers:', (await numbers.copy()).join())

// Or the server does both at once.
console.log('computed:', await squares.compute(9, square => (square ?? 0) + 1))

// What is in a dict may be a proxy itself.
const words = await manager.dict<string, ListProxy<string>>()
await words.set('fruit', await manager.list(['apple']))
await (await words.get('fruit'))?.push('pear')
console.log('fruit:', await (await words.get('fruit'))?.copy())
await manager.shutdown()

class Account {
  #balance = 0

  deposit(amount: number): number {
    this.#balance += amount
    return this.#balance
  }

  *upTo(limit: number): Generator<number> {
    for (let sum = this.#balance; sum <= limit; sum++) yield sum
  }
}

const Bank = defineManager({ Account })
await using bank = new Bank()
await bank.start()
const account = await bank.Account()
await account.deposit(40)
console.log('balance:', await account.deposit(2))
const sums: number[] = []
for await (const sum of await account.upTo(44)) sums.push(sum)
console.log('counted at the server:', sums.join())
