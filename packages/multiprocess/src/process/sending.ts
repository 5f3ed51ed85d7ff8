/** Processes that send functions import this: it brings what names them. */
import { codeCodec } from '../codec/closure-write.ts'
import { referenceOf } from '../codec/function-reference.ts'
import { setCodeCodec, setFunctionCodec } from '../codec/hooks.ts'
import { resolveReference } from '../codec/module-imports.ts'

setCodeCodec(codeCodec)
setFunctionCodec({ referenceOf, resolveReference })
