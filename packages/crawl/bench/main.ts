/**
 * Crawls one site with `crawl`, Crawlee and Scrapy, and tells what each costs: the same pages and the same work, whole
 * process trees, medians of several rounds in which they take turns.
 *   npm run bench:crawl -- [--rounds 3] [--site DIRECTORY] [--only TEXT]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Contestant, otherContestants, ownContestants } from './contestants.ts'
import { type Cost, measure, median } from './measure.ts'

/** Python's documentation, as Debian's python3-doc has it. */
const DOCUMENTATION = '/usr/share/doc/python3.11/html'

interface Row extends Contestant {
  costs: (Cost & { pages: number })[]
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    site: { type: 'string', ...(existsSync(DOCUMENTATION) ? { default: DOCUMENTATION } : {}) },
    only: { type: 'string', default: '' }
  }
})
const note = (text: string) => process.stderr.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'crawl-bench-'))
const sitePath = fileURLToPath(new URL('./site.js', import.meta.url))
const site = spawn(process.execPath, [sitePath, ...(values.site === undefined ? [] : [values.site])], {
  stdio: ['ignore', 'pipe', 'inherit']
})
try {
  const [port] = await once(site.stdout, 'data')
  const url = `http://127.0.0.1:${String(port).trim()}/index.html`
  const rows = [...ownContestants, ...otherContestants(note)]
    .filter(({ name }) => name.includes(values.only))
    .map((contestant): Row => ({ ...contestant, costs: [] }))
  for (let round = 1; round <= Number(values.rounds); round++) {
    for (const row of rows) {
      const file = join(folder, 'pages.jsonl')
      const cost = await measure(row.command(url, file), row.cwd)
      const pages = readFileSync(file, 'utf8').trim().split('\n').length
      row.costs.push({ ...cost, pages })
      note(
        `round ${round}: ${row.name}: ${cost.wallSeconds.toFixed(1)} s, ${cost.cpuSeconds.toFixed(1)} s of processors, ${pages} pages`
      )
    }
  }
  process.stdout.write(report(rows))
} finally {
  site.kill()
  rmSync(folder, { recursive: true, force: true })
}

function report(rows: readonly Row[]): string {
  const lines = rows.map(({ name, costs }) => {
    const pages = median(costs.map(cost => cost.pages))
    const wall = median(costs.map(cost => cost.wallSeconds))
    const cpu = median(costs.map(cost => cost.cpuSeconds))
    return { name, pages, wall, cpu, rate: pages / wall, perPage: (cpu * 1000) / pages }
  })
  const [base] = lines
  const table = lines.map(({ name, pages, wall, cpu, rate, perPage }) =>
    [
      name,
      pages,
      wall.toFixed(1),
      rate.toFixed(0),
      cpu.toFixed(1),
      perPage.toFixed(2),
      (perPage / base.perPage).toFixed(2),
      (base.rate / rate).toFixed(2)
    ].join(' | ')
  )
  const machine = `${availableParallelism()} processors (${cpus()[0].model.trim()}), Node ${process.version}, load ${loadavg()[0].toFixed(1)}`
  return `${machine}; ${values.rounds} rounds, medians

| crawler | pages | seconds | pages/s | processor seconds | ms of processor a page | times the processor time of crawl | crawl is faster by |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${table.map(line => `| ${line} |`).join('\n')}
`
}
