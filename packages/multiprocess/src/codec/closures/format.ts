/**
 * How what goes beyond data stands in a message. Its tag is `CODE`, the next byte one of the forms below.
 *
 * The texts of all functions stand together, as JSON in the message's last required module (`code:…`). A function's place in the
 * value holds its number only, so that it is made before the values it captures are read, which may lead to it again; these
 * follow after the value, in the order in which the functions were met ("late parts").
 */

import type { PositionMap } from '../values/mapped-stacks.ts'

/** number; the class it extends, when it has one; the values of its early variables that stand nowhere before. Late: see below. */
export const FUNCTION_BY_VALUE = 0
/** the class, then what it holds as the built-in type it is, marked as referred to; then, in `WITH_FIELDS`, other fields by `OBJECT`'s entries */
export const INSTANCE = 1
export const INSTANCE_WITH_FIELDS = 2
/** the prototype itself, then as `INSTANCE` */
export const HEIR = 3
/** whether with `new`, the function, its arguments; numbers (from 1) and contents of late parts that these need, and a 0 */
export const REDUCED = 4
/** required module (a count), name: see `KnownObject` */
export const KNOWN_OBJECT = 5
/** the function, `this`, the arguments */
export const BOUND = 6
/** `for:key`, `known:name`, or `own:number:description` */
export const SYMBOL = 7
/** the class, or null; late: count, then key and value by turns */
export const SHELL = 8
/** the class or constructor whose `prototype` it is */
export const PROTOTYPE = 9

/** target, handler */
export const PROXY = 10

/** Sections of a function's late part, after its variables, which always come. */
export const HAS_PROPERTIES = 1
export const HAS_PROTOTYPE_PROPERTIES = 2
export const HAS_PROTOTYPE_HERITAGE = 4
export const HAS_HERITAGE = 8
export const HAS_PRIVATE_FIELDS = 16

/** A property's attributes. */
export const WRITABLE = 1
export const ENUMERABLE = 2
export const CONFIGURABLE = 4
export const ACCESSOR = 8

/** A piece of code that is compiled at once: functions that share variables which some of them assign to, or a single one. */
export interface UnitData {
  readonly url: string
  readonly line: number
  readonly column: number
  readonly code: string
  /** Where its parts stand in the sources they were made of, where the sender has source maps turned on. */
  readonly map?: PositionMap
  /** Whether `this` is what the CommonJS module exports. */
  readonly hasModuleThis?: boolean
  /** By setter, in the order in which the code hands them over. */
  readonly variables: readonly VariableData[]
}

/** A number: the value of this number in the message. Else an import: required module, name. */
export type VariableData = number | readonly [module: number, name: string] | 'require' | 'module'

export interface FunctionData {
  readonly unit: number
  /** Its place among the functions that the unit's code hands over. */
  readonly index: number
  readonly hasHeritage: boolean
  readonly name: string
  readonly values: readonly number[]
  readonly early: readonly number[]
  /** Of a class: the same in every process that it came to. */
  readonly origin: string | undefined
}

export interface CodeData {
  readonly units: readonly UnitData[]
  readonly functions: readonly FunctionData[]
}
