/**
 * `import { x } from './y.ts' // lazy` becomes a load at the first use of what is imported, as the proposal `import defer` has it; no
 * Node that is supported can do that.
 */
import path from 'node:path'
import { attachScopes } from '@rollup/pluginutils'
import { walk } from 'estree-walker'
import isReference from 'is-reference'
import MagicString from 'magic-string'

export const defer = {
  name: 'defer',
  transform(code, id) {
    if (!code.includes('// lazy')) return null
    const program = this.parse(code)
    const imports = program.body.filter(node => node.type === 'ImportDeclaration' && isLazy(code, node))
    const uses = usesOf(program, new Set(imports.flatMap(localNames)))
    const text = new MagicString(code)
    for (const [number, statement] of imports.entries()) {
      const source = statement.source.value
      const names = new Set(localNames(statement))
      if (names.size === 0) this.error(`${id} imports '${source}' for its side effects, and that cannot be lazy`)
      const own = uses.filter(({ node }) => names.has(node.name))
      const early = own.find(({ isLater }) => !isLater)
      if (early !== undefined) {
        this.error(`${id} uses ${early.node.name} of '${source}' while it is loaded itself: that import cannot be lazy`)
      }
      const load = `$${path.basename(source, '.js').replaceAll(/\W/g, '_')}_${number}`
      const texts = new Map(statement.specifiers.map(specifier => [specifier.local.name, textOf(load, specifier)]))
      text.overwrite(statement.start, statement.end, loaderOf(load, source))
      for (const use of own) text.overwrite(use.node.start, use.node.end, useOf(use, texts.get(use.node.name)))
    }
    return { code: text.toString(), map: text.generateMap({ hires: 'boundary' }) }
  }
}

const LAZY = /^[ \t]*\/\/ lazy$/m

function isLazy(code, { end }) {
  const rest = code.slice(end, code.indexOf('\n', end))
  return LAZY.test(rest)
}

/** Stands around what is not to be waited for: `chunks` takes it away, and the waiting. */
const NOW = '$now'

const localNames = ({ specifiers }) => specifiers.map(({ local }) => local.name)

function loaderOf(load, source) {
  if (source.startsWith('node:')) return `const ${load} = () => process.getBuiltinModule('${source}');`
  // Of another package: the file's own `require`, which is the cache's.
  if (!source.startsWith('.')) return `const ${load} = () => require('${source}');`
  return `let ${load}_loaded; const ${load} = () => (${load}_loaded ??= ${NOW}(import('${source}')));`
}

const textOf = (load, { type, imported }) => (type === 'ImportSpecifier' ? `${load}().${imported.name}` : `${load}()`)

function useOf({ node, parent }, text) {
  if (parent.type === 'Property' && parent.shorthand) return `${node.name}: ${text}`
  return parent.type === 'NewExpression' && parent.callee === node ? `(${text})` : text
}

/** Where the imported names stand for what is imported; `isLater`: not while the module itself is loaded. */
function usesOf(program, names) {
  const uses = []
  const scopes = [attachScopes(program, 'scope')]
  let bodies = 0
  walk(program, {
    enter(node, parent, key) {
      if (node.type === 'ImportDeclaration') return this.skip()
      if (node.scope) scopes.push(node.scope)
      if (isBody(parent, key)) bodies++
      if (node.type !== 'Identifier' || !names.has(node.name) || !isReference(node, parent)) return
      if (!scopes.at(-1).contains(node.name)) uses.push({ node, parent, isLater: bodies > 0 })
    },
    leave(node, parent, key) {
      if (node.scope) scopes.pop()
      if (isBody(parent, key)) bodies--
    }
  })
  return uses
}

/** Of a function, or what a class gives a field of each of its objects. */
function isBody(parent, key) {
  if (parent === null) return false
  if (/Function/.test(parent.type)) return key === 'body' || key === 'params'
  return parent.type === 'PropertyDefinition' && !parent.static && key === 'value'
}
