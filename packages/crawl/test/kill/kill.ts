import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Audit } from '../../src/report/audit.ts'
import { readStore } from '../../src/store/index.ts'
import { type Pages, page, readLines, redirect, run, serve, slow, start } from '../support.ts'

/** Pages of the site, beside its redirects and the link that is no URL. */
const PAGES = 150

/** A site whose pages take some milliseconds, with redirects, dead links and a link that is no URL among them. */
function site(): Pages {
  const pages: Pages = {}
  for (let index = 0; index < PAGES; index++) {
    const links = [2 * index + 1, 2 * index + 2].filter(next => next < PAGES).map(next => `/${next}`)
    if (index % 10 === 3) links.push(`/old/${index}`, `/missing/${index}`)
    if (index === 20) links.push('http://[')
    pages[index === 0 ? '/' : `/${index}`] = slow(page(`${index}`, ...links, '/'), 5 + (index % 7) * 3)
    pages[`/old/${index}`] = redirect(`/moved/${index}`)
    pages[`/moved/${index}`] = slow(page(`moved ${index}`, '/'), 5)
  }
  return pages
}

/**
 * Kills a crawl at random moments, lets it go on each time, and in the end lets it run to its end: it has found every page, and
 * none twice.
 *
 * @param ending of the file that it writes
 * @param kills how often it is killed
 */
export async function killAndGoOn(ending: '.db' | '.jsonl' | '.csv' | '.warc.gz', kills: number): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'crawl-kill-'))
  try {
    await using server = await serve(site())
    const file = join(directory, `site${ending}`)
    const args = [server.origin, '-o', file, '--processes', '0', '--concurrency', '4']
    for (let round = 0; round < kills; round++) {
      const before = server.requests.length
      const after = before + 1 + Math.floor(Math.random() * 14)
      const command = start(args)
      const hasEnded = command.ended.then(() => true)
      while (server.requests.length < after) {
        if (await Promise.race([hasEnded, new Promise<false>(resolve => setTimeout(() => resolve(false), 1))])) break
      }
      command.child.kill('SIGKILL')
      await command.ended
    }
    const last = await run(args)
    assert.equal(last.code, 0, last.stderr)
    const state = await readStore(ending === '.db' ? file : `${file}.state`)
    const urls = [...new Audit(state).urls()]
    const { waiting, leased } = state.counts
    await state.close()
    assert.deepEqual([waiting, leased], [0, 0])
    const expected = expectedUrls(server.origin)
    assert.deepEqual(urls.sort(), expected)
    if (ending === '.jsonl') {
      const lines = readLines(readFileSync(file, 'utf8'))
      assert.deepEqual(lines.map(({ url }) => url).sort(), expected)
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function expectedUrls(origin: string): string[] {
  const urls = ['http://[']
  for (let index = 0; index < PAGES; index++) {
    urls.push(`${origin}/${index === 0 ? '' : index}`)
    if (index % 10 === 3) urls.push(`${origin}/moved/${index}`, `${origin}/missing/${index}`)
  }
  return urls.sort()
}
