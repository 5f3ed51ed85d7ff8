/**
 * A process that has ended, and a stranger that has its pid before its family knows of its end: the numbers of a pid namespace are forced,
 * through /proc/sys/kernel/ns_last_pid. The family must take the stranger for no member: ring no bell in its files, wait for nothing that it
 * seems to hold, and send it no signal.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Program, Scratch } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

/** The shell is process 1: it collects whoever's parent has died. */
const THROUGH = ['unshare', '--pid', '--fork', '--mount-proc', 'sh', '-c', '"$0" "$@"; exit $?']
const isPossible =
  spawnSync(THROUGH[0], [...THROUGH.slice(1, -1), 'echo 400 > /proc/sys/kernel/ns_last_pid', 'sh']).status === 0

const ROUNDS = 3
const ROUND = `
  const held = new Lock()
  const queue = new Queue()
  const ready = new Queue()
  const parent = new Process({
    target: async (held, queue, ready) => {
      const member = new Process({
        target: async (held, queue, ready) => {
          await held.acquire()
          await ready.put(process.pid)
          await queue.get()
        },
        args: [held, queue, ready]
      })
      member.start()
      await member.join()
    },
    args: [held, queue, ready]
  })
  parent.start()
  const pid = await ready.get()
  // Asleep, so that a message has its bell rung.
  for (let seen = 0; seen < 5; seen = stateOf(pid) === 'S' ? seen + 1 : 0) await sleep(20)

  // From here on this event loop does not turn: nobody tells the family that both have ended.
  process.kill(parent.pid, 'SIGKILL')
  while (stateOf(pid) !== '') pause()
  const files = Array.from({ length: 64 }, () => file)
  let stranger
  for (let i = 0; i < 200 && stranger?.pid !== pid; i++) {
    stranger?.kill('SIGKILL')
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1))
    stranger = spawn('sleep', ['1000'], { stdio: ['ignore', ...files] })
  }
  const gone = once(stranger, 'exit')
  const isForced = stranger.pid === pid
  queue.putSync('a message')
  let outcome = 'acquired'
  try { held.acquireSync({ timeout: 20_000 }) || (outcome = 'timed out') } catch (error) { outcome = error.name }
  const size = fstatSync(file).size

  await parent.join()
  const message = await queue.get({ timeout: 20_000 })
  const isThere = stateOf(pid) !== ''
  stranger.kill('SIGKILL')
  const [, signal] = await gone
  console.log(JSON.stringify({ isForced, held: outcome, size, message, isThere, signal, code: parent.exitcode }))`

test('a stranger with the pid of a member that has died is never taken for it', {
  timeout: limit(120_000),
  skip: isPossible
    ? false
    : 'no pid namespace whose next pid can be set is to be had here: that takes root and unshare(1)'
}, async () => {
  await using scratch = await Scratch.create({
    'main.mjs': `
      import { spawn } from 'node:child_process'
      import { once } from 'node:events'
      import { fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
      import { setTimeout as sleep } from 'node:timers/promises'
      import { Lock, Process, Queue } from '%LIBRARY%'

      const stateOf = pid => {
        try { return readFileSync('/proc/' + pid + '/stat', 'latin1').split(') ')[1][0] } catch { return '' }
      }
      const pause = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
      const file = openSync(new URL('./files-of-the-stranger', import.meta.url), 'w')
      for (let i = 0; i < ${ROUNDS}; i++) await (async () => {${ROUND}
      })()`
  })
  await using program = new Program(scratch.file('main.mjs'), { through: THROUGH })
  const { stdout, stderr, code } = await program.outcome
  assert.equal(code, 0, stderr)
  const rounds = stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  const expected = {
    isForced: true,
    held: 'OwnerDiedError',
    size: 0,
    message: 'a message',
    isThere: true,
    signal: 'SIGKILL',
    code: -9
  }
  assert.deepEqual(rounds, Array(ROUNDS).fill(expected))
})
