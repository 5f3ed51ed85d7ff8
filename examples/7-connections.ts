/** Two programs that talk: one listens, the other connects. Each could as well be written in Python, and run elsewhere. */
import { AuthenticationError, Client, Listener, Process } from 'multiprocess'

const authkey = 'both know this'
const listener = new Listener({ host: 'localhost', port: 0 }, { authkey })

const other = new Process({
  target: async (address: typeof listener.address) => {
    using connection = await Client(address, { authkey })
    for await (const question of connection) await connection.send(`${question}? 42`)
  },
  args: [listener.address]
})
other.start()

const connection = await listener.accept()
await connection.send('6 * 7')
console.log(await connection.recv())
connection.close()
await other.join()
console.log('the other program has ended:', other.exitcode)

const [refused] = await Promise.allSettled([Client(listener.address, { authkey: 'a guess' }), listener.accept()])
console.log('a guess is let in:', !(refused.status === 'rejected' && refused.reason instanceof AuthenticationError))
await listener.close()
