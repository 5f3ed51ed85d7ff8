/** Processes that send functions import this: it brings what names them. */
import { referenceOf } from '../codec/function-reference.ts'
import { setFunctionCodec } from '../codec/hooks.ts'
import { resolveReference } from '../codec/module-imports.ts'

setFunctionCodec({ referenceOf, resolveReference })
