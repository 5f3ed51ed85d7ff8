/**
 * Crawls one site with `crawl`, Crawlee and Scrapy, and tells what each costs: the same pages and the same work, whole
 * process trees, medians of several rounds in which they take turns. A run of all crawlers writes `bench/results.md`.
 *   npm run bench:crawl -- [--rounds 3] [--site DIRECTORY] [--only TEXT]
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Contestant, IN_PROCESS, otherContestants, ownContestants } from './contestants.ts'
import { type Cost, measure, median } from './measure.ts'

/** Python's documentation, as Debian's python3-doc has it. */
const DOCUMENTATION = '/usr/share/doc/python3.11/html'

const RESULTS = fileURLToPath(new URL('../../bench/results.md', import.meta.url))

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
      // A new file for each run: `crawl` would go on with what a file holds.
      const file = join(folder, `${round}-${rows.indexOf(row)}.jsonl`)
      const cost = await measure(row.command(url, file), row.cwd)
      const pages = readFileSync(file, 'utf8').trim().split('\n').length
      row.costs.push({ ...cost, pages })
      note(
        `round ${round}: ${row.name}: ${cost.wallSeconds.toFixed(1)} s, ${cost.cpuSeconds.toFixed(1)} s of processors, ${pages} pages`
      )
    }
  }
  const page = report(rows)
  process.stdout.write(page)
  if (values.only === '') writeFileSync(RESULTS, page)
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
  const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} processors, Node ${process.version}; load at the end ${loadavg()[0].toFixed(1)}`
  const pool = lines.filter(({ name }) => / workers?$/.test(name))
  const alone = lines.find(({ name }) => name === IN_PROCESS)
  const ratios = alone
    ? pool.map(
        ({ name, perPage }) =>
          `- ${name}: ${(perPage / alone.perPage).toFixed(2)} x the processor time of its own process only`
      )
    : []
  const site = values.site === undefined ? '1,000 made-up pages' : `the HTML files of ${values.site}`
  return `# Crawlers on one site

Written by \`npm run bench:crawl\`. Each crawler visits all pages of one site on this computer (${site}), eight at a time, reads titles and links,
obeys robots.txt, and writes a line of JSON for each page. The processor time is that of its whole process tree, from start to end.

- ${machine}
- ${new Date().toISOString().slice(0, 10)}; ${values.rounds} ${values.rounds === '1' ? 'round' : 'rounds, medians'}; the crawlers take turns

| crawler | pages | seconds | pages/s | processor seconds | ms of processor a page | times the processor time of crawl | crawl is faster by |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${table.map(line => `| ${line} |`).join('\n')}

${ratios.join('\n')}
`
}
