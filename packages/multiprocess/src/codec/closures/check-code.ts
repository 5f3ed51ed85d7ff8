/** Checks the code of a message before any of it is used: nothing in a message can be trusted. */
import type { CodeData, FunctionData, UnitData, VariableData } from './format.ts'

type Unchecked<T> = { readonly [K in keyof T]?: unknown }

/** Returns true if the value has the form of `CodeData`, and every number in it refers to something. */
export function isCodeData(value: unknown): value is CodeData {
  if (typeof value !== 'object' || value === null) return false
  const { units, functions } = value as Unchecked<CodeData>
  if (!Array.isArray(units) || !Array.isArray(functions)) return false
  return units.every(isUnit) && functions.every(fn => isFunction(fn, units.length))
}

function isUnit(value: unknown): value is UnitData {
  if (typeof value !== 'object' || value === null) return false
  const { url, line, column, code, map, variables } = value as Unchecked<UnitData>
  return (
    typeof url === 'string' &&
    Number.isInteger(line) &&
    // The text before the function's own on its first line is subtracted.
    Number.isInteger(column) &&
    typeof code === 'string' &&
    (map === undefined || isMap(map)) &&
    Array.isArray(variables) &&
    variables.every(isVariable)
  )
}

function isVariable(value: unknown): value is VariableData {
  if (isCount(value) || value === 'require' || value === 'module') return true
  return Array.isArray(value) && value.length === 2 && isCount(value[0]) && typeof value[1] === 'string'
}

function isMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { sources, segments } = value as { sources?: unknown; segments?: unknown }
  return (
    Array.isArray(sources) &&
    sources.every(source => typeof source === 'string') &&
    Array.isArray(segments) &&
    segments.every(Number.isInteger)
  )
}

function isFunction(value: unknown, units: number): value is FunctionData {
  if (typeof value !== 'object' || value === null) return false
  const { unit, index, name, values, early, origin } = value as Unchecked<FunctionData>
  return (
    isCount(unit) &&
    unit < units &&
    isCount(index) &&
    typeof name === 'string' &&
    isCounts(values) &&
    isCounts(early) &&
    (origin === undefined || typeof origin === 'string')
  )
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount)
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0
}
