/** What a parent tells its child at the start. */
import type { FunctionReferenceData } from '../codec/function-data.ts'
import type { Identity } from './state.ts'

export interface Preparation {
  readonly identity: Identity
  /** The parent's `process.argv`. */
  readonly argv: readonly string[]
  /** Modules that no child runs again. */
  readonly entries: readonly string[]
  readonly task: Task
}

export type Task =
  | { readonly kind: 'target'; readonly target: FunctionReferenceData; readonly args: readonly unknown[] }
  /** A subclass of Process with its own `run`; its fields are sent, its constructor does not run again. */
  | { readonly kind: 'subclass'; readonly subclass: FunctionReferenceData; readonly fields: object }
  | { readonly kind: 'nothing' }
