/**
 * The form of code and what depends on it in a message. The tag is `CODE`; the next byte is one of the forms below.
 *
 * The texts of all functions are together, as JSON in the message's last required module (`code:…`). At a function's place in the value,
 * there is only its number, so the function is made before the values that it captures are read, which may lead to it again. These follow
 * the value, in the order in which the functions were met ("late parts").
 */

import type { PositionMap } from '../values/mapped-stacks.ts'

/** number; the class it extends, if any; the values of its early variables that are nowhere before. Late: see below. */
export const FUNCTION_BY_VALUE = 0
/**
 * the class, then its contents as the built-in type that it is, marked as referred to; then, in `WITH_FIELDS`, other fields in `OBJECT`'s
 * form
 */
export const INSTANCE = 1
export const INSTANCE_WITH_FIELDS = 2
/** the prototype itself, then as `INSTANCE` */
export const HEIR = 3
/** whether with `new`, the function, its arguments; numbers (from 1) and contents of the late parts that these need, and a 0 */
export const REDUCED = 4
/** required module (a count), name: see `KnownObject` */
export const KNOWN_OBJECT = 5
/** the function, `this`, the arguments */
export const BOUND = 6
/** `for:key`, `known:name`, or `own:number:description` */
export const SYMBOL = 7
/** the class, or null; late: count, then keys and values in turn */
export const SHELL = 8
/** the class or constructor with this `prototype` */
export const PROTOTYPE = 9

/** target, handler */
export const PROXY = 10

/** Sections of a function's late part. They follow its variables, which always come. */
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

/** A piece of code that is compiled at once: functions that share variables to which some of them assign, or a single function. */
export interface UnitData {
  readonly url: string
  readonly line: number
  readonly column: number
  readonly code: string
  /** The places of its parts in the sources, if the sender has source maps enabled. */
  readonly map?: PositionMap
  /** True if `this` is the exports of the CommonJS module. */
  readonly hasModuleThis?: boolean
  /** The variables, in the order in which the code returns their setters. */
  readonly variables: readonly VariableData[]
}

/** A number is a value of the message. A pair is an import: required module, name. */
export type VariableData = number | readonly [module: number, name: string] | 'require' | 'module'

export interface FunctionData {
  readonly unit: number
  /** Its index among the functions that the unit's code returns. */
  readonly index: number
  readonly hasHeritage: boolean
  readonly name: string
  readonly values: readonly number[]
  readonly early: readonly number[]
  /** For a class: an identity that is the same in every process that received the class. */
  readonly origin: string | undefined
}

export interface CodeData {
  readonly units: readonly UnitData[]
  readonly functions: readonly FunctionData[]
}
