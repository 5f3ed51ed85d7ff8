// Shows how many files and rooms a call of the package goes through: `npm run build && node scripts/flows.js [FLOW]`.
// It runs each flow on a copy of the compiled modules in which every function first says that it was entered. With the name of a flow it
// prints the functions in their order. A return is a step back into a file that the flow had left.
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { parse } from 'acorn'
import { walk } from 'estree-walker'
import MagicString from 'magic-string'

const home = fileURLToPath(new URL('../packages/multiprocess/', import.meta.url))
const copy = join(home, 'dist-flows')

function nameOf(node, parent) {
  return node.id?.name ?? parent?.key?.name ?? parent?.id?.name ?? parent?.left?.property?.name ?? '(anonymous)'
}

/** The module with a call of `globalThis.entered` at the beginning of each function. */
function instrument(text, file) {
  const out = new MagicString(text)
  walk(parse(text, { ecmaVersion: 'latest', sourceType: 'module' }), {
    enter(node, parent) {
      if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
      const call = `globalThis.entered?.(${JSON.stringify(`${file} ${nameOf(node, parent)}`)})`
      if (node.body.type === 'BlockStatement') out.appendLeft(node.body.start + 1, `${call};`)
      else out.appendLeft(node.body.start, `(${call}, `).appendRight(node.body.end, ')')
    }
  })
  return out.toString()
}

function makeCopy() {
  rmSync(copy, { recursive: true, force: true })
  const src = join(home, 'dist', 'src')
  cpSync(src, join(copy, 'src'), { recursive: true })
  for (const name of readdirSync(src, { recursive: true })) {
    if (!name.endsWith('.js')) continue
    const file = join(copy, 'src', name)
    writeFileSync(file, instrument(readFileSync(file, 'utf8'), relative(join(copy, 'src'), file).slice(0, -3)))
  }
}

/** The functions that `run` enters until what it returns is settled, the third time, when all is loaded. `before` is not recorded. */
async function record(run, before = () => {}) {
  let entered = []
  for (let time = 0; time < 3; time++) {
    await before()
    entered = []
    globalThis.entered = name => entered.push(name)
    try {
      await run()
    } finally {
      globalThis.entered = undefined
    }
  }
  return entered
}

function count(entered) {
  const steps = entered.map(name => name.split(' ')[0]).filter((file, i, all) => file !== all[i - 1])
  const files = new Set(steps)
  const rooms = new Set(steps.map(file => file.replace(/\/?[^/]*$/, '')))
  return { calls: entered.length, files: files.size, rooms: rooms.size, returns: steps.length - files.size }
}

async function flows() {
  const library = await import(pathToFileURL(join(copy, 'src', 'index.js')).href)
  const { encode } = await import(pathToFileURL(join(copy, 'src', 'encoding.js')).href)
  const { Queue, Lock, Pool, Manager } = library
  const queue = new Queue()
  const lock = new Lock()
  const pool = new Pool(1)
  const manager = await Manager()
  const dict = await manager.dict({ a: 1 })
  const constant = 42
  let result
  const found = {
    'Queue.put': await record(() => queue.put({ id: 1 })),
    'Queue.get': await record(() => queue.get()),
    'Lock.acquire': await record(
      () => lock.acquire(),
      () => lock.locked && lock.release()
    ),
    closure: await record(() => void encode(() => constant, { audience: 'program' })),
    'dict.get': await record(() => dict.get('a')),
    'Pool.applyAsync': await record(
      () => {
        result = pool.applyAsync(Math.abs, [-1])
      },
      () => result
    ),
    'Pool.apply, with its result': await record(() => pool.apply(Math.abs, [-1]))
  }
  pool.close()
  await pool.join()
  await manager.shutdown()
  return found
}

makeCopy()
try {
  const found = await flows()
  const chosen = process.argv[2]
  if (chosen !== undefined) console.log(found[chosen].join('\n'))
  console.table(Object.fromEntries(Object.entries(found).map(([name, entered]) => [name, count(entered)])))
} finally {
  rmSync(copy, { recursive: true, force: true })
}
