/**
 * What a module needs only once something is done with it is loaded then: its `import` of a deferred module becomes a load at the
 * first use of what is imported. As the proposal `import defer` has it; no Node that is supported can do that.
 */
import path from 'node:path'
import { attachScopes } from '@rollup/pluginutils'
import { walk } from 'estree-walker'
import isReference from 'is-reference'
import MagicString from 'magic-string'

/**
 * @param isDeferred whether the module is loaded at first use: the path of one's own, or `node:` and the name; and who imports it
 */
export function defer(isDeferred) {
  return {
    name: 'defer',
    transform(code, id) {
      const program = this.parse(code)
      const imports = program.body.filter(
        ({ type, source, specifiers }) =>
          type === 'ImportDeclaration' && specifiers.length > 0 && isDeferred(targetOf(source.value, id), id)
      )
      if (imports.length === 0) return null
      const uses = usesOf(program, new Set(imports.flatMap(localNames)))
      const text = new MagicString(code)
      for (const statement of imports) {
        const names = new Set(localNames(statement))
        const own = uses.filter(({ node }) => names.has(node.name))
        // What is used while the module itself is loaded has to be there.
        if (own.some(({ isLater }) => !isLater)) continue
        const source = statement.source.value
        const load = `$${path.basename(source, '.js').replaceAll(/\W/g, '_')}`
        const texts = new Map(statement.specifiers.map(specifier => [specifier.local.name, textOf(load, specifier)]))
        text.overwrite(statement.start, statement.end, loaderOf(load, source))
        for (const use of own) text.overwrite(use.node.start, use.node.end, useOf(use, texts.get(use.node.name)))
      }
      return text.hasChanged() ? { code: text.toString(), map: text.generateMap({ hires: 'boundary' }) } : null
    }
  }
}

/** Stands around what is not to be waited for: `chunks` takes it away, and the waiting. */
const NOW = '$now'

const targetOf = (source, id) => (source.startsWith('.') ? path.resolve(path.dirname(id), source) : source)

const localNames = ({ specifiers }) => specifiers.map(({ local }) => local.name)

function loaderOf(load, source) {
  if (source.startsWith('node:')) return `const ${load} = () => process.getBuiltinModule('${source}');`
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
