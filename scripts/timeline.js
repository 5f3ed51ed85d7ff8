// Draws docs/timeline.svg, the picture of the README: what four workers did, from the trace of a run that it makes.
//   node scripts/timeline.js [FILE]         after npm run build
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'multiprocess'

const TASKS = 40
const WORKERS = 4
const CRASH = 13
/** Tasks before those of the picture. */
const WARM = 2 * WORKERS

/** Tasks of 20 to 120 ms. One of them kills its worker the first time that it runs, and is begun again in another. */
export async function run(directory) {
  const trace = join(directory, 'trace.json')
  const pool = new Pool({ processes: WORKERS, trace })
  const task = async n => {
    await sleep(20 + ((n * 37) % 101))
    if (n !== CRASH || existsSync(`${directory}/crashed`)) return n
    writeFileSync(`${directory}/crashed`, '')
    process.kill(process.pid, 'SIGKILL')
    return await sleep(10_000)
  }
  // All workers have started, and know the function.
  await pool.map(
    async n => {
      await sleep(300)
      return await task(n)
    },
    [0, 1, 2, 3],
    1
  )
  await pool.map(task, [0, 1, 2, 3], { chunksize: 1 })
  const numbers = Array.from({ length: TASKS }, (_, n) => n)
  await pool.map(task, numbers, { chunksize: 1, retries: 1 })
  pool.close()
  await pool.join()
  return JSON.parse(await readFile(trace, 'utf8'))
}

const WIDTH = 840
const LEFT = 84
const ROW = 30
const TOP = 40
const COLOURS = { success: '#3b82c4', error: '#c2410c', stopped: '#c2410c' }

/** @param events of a trace; the tasks that only warmed the workers are left out */
export function draw(events) {
  const tasks = events.filter(({ cat, args }) => cat === 'task' && args.id > WARM)
  const begin = Math.min(...tasks.map(({ ts }) => ts))
  const length = Math.max(...tasks.map(({ ts, dur }) => ts + dur)) - begin
  const workers = [...new Set(tasks.toSorted((a, b) => a.ts - b.ts).map(({ tid }) => tid))]
  const x = time => LEFT + ((time - begin) / length) * (WIDTH - LEFT - 16)
  const y = row => TOP + row * ROW
  const height = y(workers.length) + 44
  const text = (left, top, content, more = '') =>
    `<text x="${left.toFixed(1)}" y="${top.toFixed(1)}"${more}>${content}</text>`
  const parts = [
    `<rect width="${WIDTH}" height="${height}" rx="6" fill="#ffffff" stroke="#d4d4d8"/>`,
    text(
      LEFT,
      24,
      `${new Set(tasks.map(({ args }) => args.id)).size} tasks, ${WORKERS} workers; one worker is killed`,
      ' font-weight="600"'
    )
  ]
  for (const [row, worker] of workers.entries()) {
    parts.push(text(16, y(row) + 19, `worker ${row + 1}`))
    parts.push(`<line x1="${LEFT}" y1="${y(row) + 15}" x2="${WIDTH - 16}" y2="${y(row) + 15}" stroke="#e4e4e7"/>`)
    for (const { ts, dur, args } of tasks.filter(({ tid }) => tid === worker)) {
      const width = Math.max(2, x(ts + dur) - x(ts) - 1)
      parts.push(
        `<rect class="task" x="${x(ts).toFixed(1)}" y="${y(row) + 4}" width="${width.toFixed(1)}" height="22" rx="3" fill="${COLOURS[args.outcome]}"/>`
      )
      if (args.outcome !== 'success')
        parts.push(text(x(ts + dur) + 4, y(row) + 19, 'this task kills its worker, and runs again', ' fill="#9a3412"'))
      else if (width > 22)
        parts.push(text(x(ts) + width / 2, y(row) + 19, args.id - WARM, ' fill="#ffffff" text-anchor="middle"'))
    }
  }
  const bottom = y(workers.length) + 24
  for (let i = 0; i <= 4; i++) {
    const at = begin + (length * i) / 4
    parts.push(
      text(
        x(at),
        bottom,
        `${Math.round((length * i) / 4000)} ms`,
        ` fill="#71717a" text-anchor="${i === 4 ? 'end' : 'middle'}"`
      )
    )
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
    `font-family="system-ui, sans-serif" font-size="12" fill="#27272a">\n<title>What four workers did: ${new Set(tasks.map(({ args }) => args.id)).size} tasks, one of which kills its worker and runs again</title>\n${parts.join('\n')}\n</svg>\n`
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = process.argv[2] ?? fileURLToPath(new URL('../docs/timeline.svg', import.meta.url))
  const directory = await mkdtemp(join(tmpdir(), 'timeline-'))
  await writeFile(target, draw(await run(directory)))
  await rm(directory, { recursive: true })
}
