/**
 * Atomic instructions on words of a window of the arena. Each of them is sequentially consistent.
 *
 * V8 compiles WebAssembly's atomic instructions into the code that uses them, while each function of `Atomics` is a call of a
 * builtin: 5 ns instead of 14, measured on Node 20. So each window is mapped a second time, over the pages of a WebAssembly
 * memory. Where this is not possible, `Atomics` does the same.
 */
import type { Backing } from './memory.ts'

/**
 * The instructions. `at` is in bytes from the beginning of the window. An instruction that changes a word returns its former
 * value.
 */
export class Instructions {
  readonly load: (at: number) => number
  readonly compareExchange: (at: number, expected: number, value: number) => number
  readonly exchange: (at: number, value: number) => number
  readonly and: (at: number, mask: number) => number

  constructor({ load, compareExchange, exchange, and }: Instructions) {
    this.load = load
    this.compareExchange = compareExchange
    this.exchange = exchange
    this.and = and
  }
}

/** Returns instructions that use `Atomics`. */
export function plainInstructions(words: Int32Array): Instructions {
  return new Instructions({
    load: at => Atomics.load(words, at >> 2),
    compareExchange: (at, expected, value) => Atomics.compareExchange(words, at >> 2, expected, value),
    exchange: (at, value) => Atomics.exchange(words, at >> 2, value),
    and: (at, mask) => Atomics.and(words, at >> 2, mask)
  })
}

/** The part of WebAssembly that this module uses. A process can be started without WebAssembly. */
interface Assembly {
  readonly Memory: new (limits: {
    initial: number
    maximum: number
    shared: true
  }) => { readonly buffer: SharedArrayBuffer }
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

/** Returns instructions that use WebAssembly, for the window that begins at `offset`; undefined if there is no such memory. */
export function compiledInstructions(backing: Backing, offset: number, length: number): Instructions | undefined {
  const { WebAssembly: assembly } = globalThis as { WebAssembly?: Assembly }
  if (assembly === undefined || backing.mapOver === undefined) return undefined
  const pages = length / WASM_PAGE_BYTES
  try {
    // V8 would count unshared memory as part of the heap, and so collect garbage at once.
    const memory = new assembly.Memory({ initial: pages, maximum: pages, shared: true })
    backing.mapOver(new Uint8Array(memory.buffer), offset)
    module ??= new assembly.Module(moduleBytes())
    return new Instructions(new assembly.Instance(module, { env: { memory } }).exports as Instructions)
  } catch {
    // V8 reserves 8 GiB of addresses for each memory; a limit on addresses may forbid this.
    return undefined
  }
}

const WASM_PAGE_BYTES = 2 ** 16
let module: object | undefined

/**
 *     (module (import "env" "memory" (memory 0 65536 shared))
 *       (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
 *       (func (export "and") (param i32 i32) (result i32) (i32.atomic.rmw.and (local.get 0) (local.get 1)))
 *       (func (export "exchange") (param i32 i32) (result i32) (i32.atomic.rmw.xchg (local.get 0) (local.get 1)))
 *       (func (export "compareExchange") (param i32 i32 i32) (result i32)
 *         (i32.atomic.rmw.cmpxchg (local.get 0) (local.get 1) (local.get 2))))
 */
function moduleBytes(): Uint8Array {
  const i32 = 0x7f
  const type = (count: number) => [0x60, count, ...new Array<number>(count).fill(i32), 1, i32]
  const name = (text: string) => [text.length, ...Buffer.from(text)]
  const section = (id: number, items: readonly (readonly number[])[]) => {
    const bytes = [items.length, ...items.flat()]
    return [id, bytes.length, ...bytes]
  }
  const body = (count: number, instruction: number) => {
    const gets = Array.from({ length: count }, (_, i) => [0x20, i]).flat()
    // Alignment 2 ** 2 bytes, offset 0.
    const code = [0, ...gets, 0xfe, instruction, 2, 0, 0x0b]
    return [code.length, ...code]
  }
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type(1), type(2), type(3)]),
    ...section(2, [[...name('env'), ...name('memory'), 2, 3, 0, 0x80, 0x80, 0x04]]),
    ...section(3, [[0], [1], [1], [2]]),
    ...section(7, [
      [...name('load'), 0, 0],
      [...name('and'), 0, 1],
      [...name('exchange'), 0, 2],
      [...name('compareExchange'), 0, 3]
    ]),
    ...section(10, [body(1, 0x10), body(2, 0x2c), body(2, 0x41), body(3, 0x48)])
  ])
}
