/** All entries lie beside each other in the bundle: `new URL('../a/b-main.js', import.meta.url)` becomes the URL of entry `b-main`. */
import path from 'node:path'

const ENTRY_URL = /new URL\('(\.{1,2}\/[\w./-]+\.js)', import\.meta\.url\)/g

/**
 * @param input the entries: name to path
 * @param fileOf the file that an entry becomes, by its name
 */
export function entryUrls(input, fileOf = name => `${name}.js`) {
  const names = new Map(Object.entries(input).map(([name, file]) => [file, name]))
  return {
    name: 'entry-urls',
    transform(code, id) {
      if (!code.includes('import.meta.url')) return null
      const text = code.replaceAll(ENTRY_URL, (whole, relative) => {
        const name = names.get(path.resolve(path.dirname(id), relative))
        if (name === undefined) this.error(`${id}: ${relative} is not an entry of the bundle`)
        return `new URL('./${fileOf(name)}', import.meta.url)`.padEnd(whole.length)
      })
      return text === code ? null : { code: text, map: null }
    }
  }
}
