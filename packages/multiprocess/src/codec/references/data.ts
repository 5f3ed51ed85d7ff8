/** How a function by reference crosses. */

/** Where the other process finds a function or a class. */
export interface FunctionReferenceData {
  /** An absolute URL (`file:`, `node:`, `data:`, or a loader's own scheme), or `intrinsic:` for what every process has as a global. */
  module: string
  /** The name of the export, or a dotted path from it to a member: `square`, `Point.from`, `Point.prototype.norm`. */
  export: string
}

/** The `module` of functions that are reached from a global name: `Math.sqrt`, `parseInt`. */
export const INTRINSIC = 'intrinsic:'

// biome-ignore lint/complexity/noBannedTypes: it stands for functions and classes alike, whatever they take
export type AnyFunction = Function
