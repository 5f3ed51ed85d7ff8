// The doc comments of the public face: which exported names, and which of their public members, have none. Like the report of the public
// face, it is made of the .d.ts files that the build writes, so an editor shows what is checked here.
//   node scripts/comments.js       prints each name without a doc comment, and ends with 1 if there is one
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packages, publicDeclarations } from './api.js'

const MEMBER =
  /^(?:readonly |static |abstract |get |set |async )*(?:'([^']+)'|"([^"]+)"|(\[[\w$.]+\])|([\w$]+))\??(?=[:(<;])/
/** The class's own comment describes how it is made. */
const HIDDEN = /^(?:private|protected) |^#private|^constructor\b/

const KINDS = '(?:class|interface|type|function|const|let)'

/** A declaration: whether it has a comment, and its members with theirs. */
function read({ path, name }) {
  const lines = textOf(path).split('\n')
  const first = new RegExp(`^(?:export )?(?:declare )?(?:abstract )?${KINDS} ${name.replaceAll('$', '\\$')}(?![\\w$])`)
  const starts = lines.flatMap((line, i) => (first.test(line) ? [i] : []))
  const members = new Map()
  for (const start of starts) readMembers(lines, start, members)
  // A value and a type of one name, and the overloads of a function, need one comment.
  return { isCommented: starts.some(i => isCommented(lines, i)), members }
}

/** Members are the lines from here to the closing line that are one step to the right of it. */
function readMembers(lines, start, members) {
  if (!lines[start].endsWith('{') || /^(?:export )?(?:declare )?(?:function|let) /.test(lines[start])) return
  for (let i = start + 1; i < lines.length && /^\s|^$/.test(lines[i]); i++) {
    const member = /^ {4}(?=\S)(.*)$/.exec(lines[i])?.[1]
    const found = member === undefined || HIDDEN.test(member) ? null : MEMBER.exec(member)
    if (found === null) continue
    const name = found.slice(1).find(part => part !== undefined)
    // Overloads, and a setter and its getter, need one comment.
    members.set(name, (members.get(name) ?? false) || isCommented(lines, i))
  }
}

const isCommented = (lines, i) => (lines[i - 1] ?? '').endsWith('*/')

const texts = new Map()

function textOf(path) {
  if (!texts.has(path)) texts.set(path, readFileSync(path, 'utf8'))
  return texts.get(path)
}

/** A member that a parent describes has that comment in editors and in the reference. */
function isInherited(member, { parents }, byKey) {
  return parents.some(parent => {
    const known = byKey.get(`${parent.path}#${parent.name}`) ?? { ...parent, parents: [] }
    return read(known).members.get(member) === true || isInherited(member, known, byKey)
  })
}

/** Returns the names of a package's public face that have no doc comment. @param directory of a package that was built */
export function undocumented(directory) {
  const declarations = publicDeclarations(directory)
  const byKey = new Map(declarations.map(declaration => [`${declaration.path}#${declaration.name}`, declaration]))
  return declarations.flatMap(declaration => {
    const { isCommented, members } = read(declaration)
    const names = [...members].flatMap(([name, has]) =>
      has || isInherited(name, declaration, byKey) ? [] : [`${declaration.name}.${name}`]
    )
    if (!isCommented) names.unshift(declaration.name)
    return names.map(name => `${relative(directory, declaration.path)}: ${name}`)
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = packages().flatMap(undocumented)
  for (const line of missing) console.error(line)
  if (missing.length > 0) process.exitCode = 1
}
