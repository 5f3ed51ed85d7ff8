/**
 * Processes that send functions import this module. It registers the code that names functions; that code loads with the first
 * function sent.
 */
import { codeCodec } from '../codec/closures/write.ts' // lazy
import { resolveReference } from '../codec/references/imports.ts'
import { referenceOf } from '../codec/references/reference.ts' // lazy
import { setCodeCodec, setFunctionCodec } from '../codec/values/registry.ts'

setCodeCodec({
  writeFunction: (writer, fn) => codeCodec.writeFunction(writer, fn),
  writeInstance: (writer, object, prototype, writeContents) =>
    codeCodec.writeInstance(writer, object, prototype, writeContents),
  writeProxy: (writer, proxy) => codeCodec.writeProxy(writer, proxy)
})
setFunctionCodec({ referenceOf: (fn, path) => referenceOf(fn, path), resolveReference })
