/**
 * What a module needs only once something is done with it is loaded then: its `import` of a deferred module becomes a load at the
 * first use of what is imported. As the proposal `import defer` has it; no Node that is supported can do that.
 */
import path from 'node:path'

/**
 * @param isDeferred whether the module is loaded at first use: the path of one's own, or `node:` and the name
 */
export function defer(isDeferred) {
  return {
    name: 'defer',
    transform(code, id) {
      const program = this.parse(code)
      const edits = []
      const names = new Map()
      for (const statement of program.body) {
        if (statement.type !== 'ImportDeclaration' || statement.specifiers.length === 0) continue
        const source = statement.source.value
        const target = source.startsWith('.') ? path.resolve(path.dirname(id), source) : source
        if (!isDeferred(target)) continue
        const name = `$${path.basename(source, '.js').replaceAll(/\W/g, '_')}`
        edits.push({ ...rangeOf(statement), text: loaderOf(name, source) })
        for (const specifier of statement.specifiers) names.set(specifier.local.name, useOf(name, specifier))
      }
      if (names.size === 0) return null
      addUses(program, names, edits, message => this.error(`${id}: ${message}`))
      return { code: edited(code, edits), map: null }
    }
  }
}

const rangeOf = ({ start, end }) => ({ start, end })

function loaderOf(name, source) {
  if (source.startsWith('node:')) return `const ${name} = () => process.getBuiltinModule('${source}');`
  return `let ${name}_loaded; const ${name} = () => (${name}_loaded ??= import('${source}'));`
}

function useOf(name, { type, imported }) {
  if (type === 'ImportSpecifier') return `${name}().${imported.name}`
  return `${name}()`
}

/** The names must have no other meaning anywhere in the module, so that each identifier is either a use or the name of a property. */
function addUses(program, names, edits, fail) {
  walk(program, undefined, (node, parent, key) => {
    if (node.type === 'ImportDeclaration') return false
    if (node.type !== 'Identifier' || !names.has(node.name)) return true
    const isName = !parent.computed && (key === 'key' || (key === 'property' && parent.type === 'MemberExpression'))
    if (isName && !parent.shorthand) return true
    if (declares(parent, key)) fail(`\`${node.name}\` is imported from a deferred module, and declared once more`)
    const use = names.get(node.name)
    if (parent.type === 'Property' && parent.shorthand) {
      if (key === 'value') edits.push({ ...rangeOf(node), text: `${node.name}: ${use}` })
    } else if (key === 'callee') {
      edits.push({ ...rangeOf(node), text: parent.type === 'NewExpression' ? `(${use})` : `(0, ${use})` })
    } else {
      edits.push({ ...rangeOf(node), text: use })
    }
    return true
  })
}

function declares({ type }, key) {
  if (type === 'VariableDeclarator' || type === 'ClassDeclaration') return key === 'id'
  if (type.startsWith('Export')) return true
  return (
    key === 'params' ||
    key === 'param' ||
    (key === 'elements' && type === 'ArrayPattern') ||
    (key === 'id' && type.startsWith('Function'))
  )
}

function walk(node, parent, visit, key) {
  if (visit(node, parent, key) === false) return
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') walk(child, node, visit, name)
    }
  }
}

/** Every line stays where it is. */
function edited(code, edits) {
  let text = ''
  let at = 0
  for (const edit of edits.sort((a, b) => a.start - b.start)) {
    const lines = code.slice(edit.start, edit.end).split('\n').length - 1
    text += code.slice(at, edit.start) + edit.text + '\n'.repeat(lines)
    at = edit.end
  }
  return text + code.slice(at)
}
