/**
 * What a module needs only once something is done with it is loaded then: its `import` of a deferred module becomes a load at the
 * first use of what is imported. As the proposal `import defer` has it; no Node that is supported can do that.
 */
import path from 'node:path'

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
      const declared = uses.find(({ parent, key }) => declares(parent, key))
      if (declared)
        this.error(`${id}: \`${declared.node.name}\` is imported from a deferred module, and declared once more`)
      const edits = []
      for (const statement of imports) {
        const names = new Set(localNames(statement))
        const own = uses.filter(({ node }) => names.has(node.name))
        // What is used while the module itself is loaded has to be there.
        if (own.some(({ isLater }) => !isLater)) continue
        const source = statement.source.value
        const name = `$${path.basename(source, '.js').replaceAll(/\W/g, '_')}`
        const texts = new Map(statement.specifiers.map(specifier => [specifier.local.name, textOf(name, specifier)]))
        edits.push({ ...rangeOf(statement), text: loaderOf(name, source) })
        for (const use of own) edits.push(editOf(use, texts.get(use.node.name)))
      }
      return edits.length === 0 ? null : { code: edited(code, edits), map: null }
    }
  }
}

const targetOf = (source, id) => (source.startsWith('.') ? path.resolve(path.dirname(id), source) : source)

const localNames = ({ specifiers }) => specifiers.map(({ local }) => local.name)

const rangeOf = ({ start, end }) => ({ start, end })

function loaderOf(name, source) {
  if (source.startsWith('node:')) return `const ${name} = () => process.getBuiltinModule('${source}');`
  return `let ${name}_loaded; const ${name} = () => (${name}_loaded ??= import('${source}'));`
}

function textOf(name, { type, imported }) {
  if (type === 'ImportSpecifier') return `${name}().${imported.name}`
  return `${name}()`
}

/** The names must have no other meaning anywhere in the module, so that each identifier is either a use or the name of a property. */
function usesOf(program, names) {
  const uses = []
  walk(program, undefined, undefined, false, (node, parent, key, isLater) => {
    if (node.type !== 'Identifier' || !names.has(node.name)) return
    const isName = !parent.computed && (key === 'key' || (key === 'property' && parent.type === 'MemberExpression'))
    if (!isName) uses.push({ node, parent, key, isLater })
  })
  return uses
}

function editOf({ node, parent, key }, text) {
  if (parent.type === 'Property' && parent.shorthand) return { ...rangeOf(node), text: `${node.name}: ${text}` }
  if (key === 'callee')
    return { ...rangeOf(node), text: parent.type === 'NewExpression' ? `(${text})` : `(0, ${text})` }
  return { ...rangeOf(node), text }
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

/** `isLater`: not while the module itself is loaded. */
function walk(node, parent, key, isLater, visit) {
  if (node.type === 'ImportDeclaration') return
  visit(node, parent, key, isLater)
  for (const [name, value] of Object.entries(node)) {
    const runsLater = isLater || isBody(node, name)
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') walk(child, node, name, runsLater, visit)
    }
  }
}

function isBody({ type, static: isStatic }, key) {
  if (/Function/.test(type)) return key === 'body' || key === 'params'
  return type === 'PropertyDefinition' && !isStatic && key === 'value'
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
