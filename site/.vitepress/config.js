// The site, made of the same Markdown that the repository and the package have.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'
import { sidebar } from './sidebar.js'

const home = fileURLToPath(new URL('..', import.meta.url))

/** The pages are outside of this folder, where Vue is installed. What makes the HTML in Node imports Vue as it is, and draws no diagram. */
const ofTheSite = {
  name: 'of-the-site',
  enforce: 'pre',
  resolveId(id, importer, options) {
    if (options?.ssr && /^(?:vue|mermaid)(?:\/|$)/.test(id)) return { id, external: true }
    if (!/^vue(?:\/|$)/.test(id) || importer === undefined || importer.startsWith(home)) return null
    return this.resolve(id, `${home}package.json`, { ...options, skipSelf: true })
  }
}

/** Folders are shown by their README.md. On the site that is index.md. */
const rewrites = {
  'README.md': 'index.md',
  'docs/README.md': 'docs/index.md',
  'docs/recipes/README.md': 'docs/recipes/index.md',
  'examples/README.md': 'examples/index.md',
  'site/reference/:rest*': 'reference/:rest*'
}

function useLinksOfFolders(md) {
  md.core.ruler.push('folders', ({ tokens }) => {
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        if (token.type !== 'link_open') continue
        const href = token.attrGet('href')
        if (!/^[a-z]+:/.test(href)) token.attrSet('href', href.replace(/README\.md(?=$|#)/, 'index.md'))
      }
    }
  })
}

/** A diagram is drawn by the reader's browser. */
function drawDiagrams(md) {
  const fence = md.renderer.rules.fence
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const { info, content } = tokens[index]
    if (info.trim() === 'mermaid') return `<Diagram text="${encodeURIComponent(content)}" />`
    return fence(tokens, index, options, env, self)
  }
}

export default defineConfig({
  title: 'multiprocess',
  description: "Python's multiprocessing for TypeScript and JavaScript on Node",
  srcDir: '..',
  srcExclude: [
    '**/node_modules/**',
    '**/dist/**',
    '**/dist-test/**',
    '**/test/**',
    '**/api-report.md',
    'packages/*/docs/**',
    'site/*.md',
    'packages/*/README.md',
    'packages/*/bench/**/!(results).md'
  ],
  outDir: 'dist',
  cleanUrls: true,
  vite: { plugins: [ofTheSite] },
  rewrites,
  markdown: {
    config(md) {
      useLinksOfFolders(md)
      drawDiagrams(md)
    }
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Get started', link: '/' },
      { text: 'Recipes', link: '/docs/recipes/' },
      { text: 'Guides', link: '/docs/' },
      { text: 'Troubleshooting', link: '/docs/troubleshooting' },
      { text: 'Reference', link: '/reference/' }
    ],
    sidebar
  }
})
