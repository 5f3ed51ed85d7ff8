/** Finds which variables of a module are imports, and of what. */

import { parseModule } from './lexer.ts'
import { type Node, parseModuleStatement } from './syntax.ts'

/** `module` is an argument of `importModule`; `name` is the name of an export, or `*` for the module's namespace. */
export interface ImportBinding {
  readonly module: string
  readonly name: string
}

export type ImportTable = ReadonlyMap<string, ImportBinding>

/** Code that was itself received begins with its own imports. */
const RECEIVED = /^\/\*mp:(\{.*?\})\*\//
const NOTHING: ImportTable = new Map()

/**
 * Reads the imports of a module.
 * @param url the module's URL, to which its imports are relative
 * @param source the text as V8 compiled it
 */
export function readImports(url: string, source: string, isModule: boolean): ImportTable {
  if (!isModule) {
    const received = RECEIVED.exec(source)
    return received === null
      ? NOTHING
      : new Map(Object.entries(JSON.parse(received[1]) as Record<string, ImportBinding>))
  }
  const table = new Map<string, ImportBinding>()
  for (const { type, importStart, importEnd } of parseModule(source)[0]) {
    // The list also contains `export … from`, which declares no variable.
    if (type !== 'static' || !source.startsWith('import', importStart)) continue
    addImports(table, url, source.slice(importStart, importEnd))
  }
  return table
}

/** Returns a comment for code that is sent on, in which `readImports` finds the imports. */
export function importsComment(imports: ReadonlyMap<string, ImportBinding>): string {
  return imports.size === 0 ? '' : `/*mp:${JSON.stringify(Object.fromEntries(imports)).replaceAll('*/', '*\\u002f')}*/`
}

function addImports(table: Map<string, ImportBinding>, url: string, statement: string): void {
  const [node] = parseModuleStatement(statement).body as Node[]
  const attributes = Object.fromEntries(
    ((node.attributes ?? []) as Node[]).map(({ key, value }) => [key.name ?? key.value, value.value])
  )
  const module = moduleRequest(url, node.source.value, attributes)
  for (const specifier of node.specifiers as Node[]) {
    let name = '*'
    if (specifier.type === 'ImportDefaultSpecifier') name = 'default'
    else if (specifier.type === 'ImportSpecifier') name = specifier.imported.name ?? specifier.imported.value
    table.set(specifier.local.name, { module, name })
  }
}

/** Returns a request that says what is imported, and from where; the other process resolves it as the module itself would. */
function moduleRequest(url: string, specifier: string, attributes: Record<string, string>): string {
  if (specifier.startsWith('node:')) return specifier
  return `import:${JSON.stringify(Object.keys(attributes).length > 0 ? [url, specifier, attributes] : [url, specifier])}`
}
