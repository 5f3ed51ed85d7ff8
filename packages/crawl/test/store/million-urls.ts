/** Adds a million URLs to a store, and tells the memory of the process in MiB. Usage: node million-urls.js [FILE] */
import { MemoryStore, openStore } from '../../src/store/index.ts'

const file = process.argv[2]
const store = file === undefined ? new MemoryStore() : await openStore(file)
for (let first = 0; first < 1_000_000; first += 100) {
  const section = `https://example.com/section-${first % 1000}`
  await store.add(
    Array.from({ length: 100 }, (_, index) => ({
      url: `${section}/article-with-a-longish-title-${first + index}.html`,
      depth: 1 + (index % 7),
      from: `${section}/index.html`,
      error: null
    }))
  )
}
const { waiting } = store.counts
await store.close()
console.log(JSON.stringify({ waiting, peakMiB: Math.round(process.resourceUsage().maxRSS / 1024) }))
