/** The logger prints what processes do, as Python's does, and children inherit its settings. */
import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import {
  Client,
  type ConnectionCloseMessage,
  EOFError,
  getLogger,
  Listener,
  LOG_LEVELS,
  ValueError
} from '../../src/index.ts'
import { type Outcome, runProgram } from '../fixtures/process/tools.ts'
import { limit } from '../fixtures/slowness.ts'

const timeout = limit(60_000)
const index = new URL('../../src/index.js', import.meta.url).href
const threads = new URL('../../src/threads.js', import.meta.url).href

/** Runs a program, and returns the lines of its stderr with pids and addresses replaced. */
async function logOf(text: string, module = index): Promise<string[]> {
  const program = `import { BaseManager, Client, Listener, Manager, Pool, Process, getLogger, logToStderr } from '${module}'\n${text}`
  const { stderr, code }: Outcome = await runProgram(program)
  assert.equal(code, 0, stderr)
  return stderr
    .trimEnd()
    .split('\n')
    .map(line => line.replaceAll(/pid \d+|thread \d+/g, 'pid N'))
}

for (const [ground, module] of [
  ['processes', index],
  ['threads', threads]
] as const) {
  test(`logToStderr('info') reports processes over ${ground}, including those of children`, { timeout }, async () => {
    const lines = await logOf(
      `
        logToStderr('info')
        const child = new Process({ target: () => getLogger().info('%d of %s', 1, 'the child') })
        child.start()
        await child.join()
        getLogger().debug('not this')
      `,
      module
    )
    assert.deepEqual(lines.sort(), [
      '[INFO/MainProcess] Process-1 (pid N) exited with exitcode 0',
      '[INFO/MainProcess] started Process-1 (pid N)',
      '[INFO/Process-1] 1 of the child',
      '[INFO/Process-1] child process calling run()',
      '[INFO/Process-1] process exiting with exitcode 0'
    ])
  })
}

test('a lower level prints more, and the default level prints only warnings', { timeout }, async () => {
  const lines = await logOf(`
    const logger = logToStderr()
    logger.info('not this')
    logger.warning('a warning')
    logger.setLevel('debug')
    const manager = await Manager()
    await manager.dict()
    await manager.shutdown()
    logger.log(25, 'between %o', { two: 2 })
    logger.critical('over')
  `)
  const own = lines.filter(line => line.includes('/MainProcess]'))
  assert.deepEqual(own, [
    '[WARNING/MainProcess] a warning',
    '[INFO/MainProcess] started Manager-1 (pid N)',
    "[INFO/MainProcess] manager serving at 'pid N'",
    '[INFO/MainProcess] Manager-1 (pid N) exited with exitcode 0',
    "[INFO/MainProcess] manager at 'pid N' has ended",
    '[Level 25/MainProcess] between { two: 2 }',
    '[CRITICAL/MainProcess] over'
  ])
  assert.ok(lines.includes('[DEBUG/Manager-1] created an object of type dict'), lines.join('\n'))
})

test('a connection is logged on both sides', { timeout }, async () => {
  const lines = await logOf(`
    logToStderr('debug')
    const listener = new Listener({ host: '127.0.0.1', port: 0 })
    const [client, accepted] = await Promise.all([Client(listener.address), listener.accept()])
    client.close()
    accepted.close()
    await listener.close()
  `)
  assert.equal(lines.filter(line => line.startsWith('[DEBUG/MainProcess] connected to {')).length, 1)
  assert.equal(lines.filter(line => line.startsWith('[DEBUG/MainProcess] accepted a connection from ')).length, 1)
  assert.equal(lines.filter(line => line.startsWith('[DEBUG/MainProcess] closed the connection to {')).length, 1)
  assert.equal(lines.filter(line => line.startsWith('[DEBUG/MainProcess] closed the connection from {')).length, 1)
})

test('the end of a connection is published once on each side, with the error that broke it off', {
  timeout
}, async () => {
  const listener = new Listener({ host: '127.0.0.1', port: 0 }, { authkey: 'a key' })
  const messages: ConnectionCloseMessage[] = []
  let told = () => {}
  const onClose = (message: unknown) => {
    messages.push(message as ConnectionCloseMessage)
    told()
  }
  const untilTold = async (count: number) => {
    while (messages.length < count) await new Promise<void>(resolve => (told = resolve))
  }
  subscribe('multiprocess:connection:close', onClose)
  try {
    const connect = () => Promise.all([Client(listener.address, { authkey: 'a key' }), listener.accept()])
    const [client, accepted] = await connect()
    client.close()
    client.close()
    await assert.rejects(accepted.recv(), EOFError)
    accepted.close()
    await untilTold(2)
    assert.deepEqual(
      messages.map(({ connection, side, error }) => [connection, side, error]),
      [
        [client, 'client', null],
        [accepted, 'listener', null]
      ]
    )
    assert.deepEqual(messages[0].address, listener.address)

    // A message that is announced and does not come.
    const open = new Listener({ host: '127.0.0.1', port: 0 })
    const cut = connectTcp((open.address as { port: number }).port, '127.0.0.1')
    const half = await open.accept()
    cut.end(Buffer.from([0, 0, 0, 9, 1]))
    await assert.rejects(half.recv(), EOFError)
    await untilTold(3)
    assert.equal(messages[2].connection, half)
    assert.match(String(messages[2].error), /middle of a message/)
    half.close()
    await open.close()
    assert.equal(messages.length, 3)
  } finally {
    unsubscribe('multiprocess:connection:close', onClose)
    await listener.close()
  }
})

test('only names and numbers are levels', { timeout }, () => {
  const logger = getLogger()
  assert.equal(logger, getLogger())
  assert.equal(logger.level, LOG_LEVELS.warning)
  assert.deepEqual([logger.isEnabledFor('info'), logger.isEnabledFor('ERROR' as never)], [false, true])
  assert.throws(() => logger.setLevel('verbose' as never), ValueError)
  assert.throws(() => logger.setLevel(null as never), /level must be one of debug, info.*got null/)
  assert.throws(() => logger.log(-1, 'no'), ValueError)
})
