/** Processes that send functions import this: it says what names them, which is asked for when the first one is sent. */
import { codeCodec } from '../codec/closure-write.ts'
import { referenceOf } from '../codec/function-reference.ts'
import { setCodeCodec, setFunctionCodec } from '../codec/hooks.ts'
import { resolveReference } from '../codec/module-imports.ts'

setCodeCodec({
  writeFunction: (writer, fn) => codeCodec.writeFunction(writer, fn),
  writeInstance: (writer, object, prototype, writeContents) =>
    codeCodec.writeInstance(writer, object, prototype, writeContents),
  writeProxy: (writer, proxy) => codeCodec.writeProxy(writer, proxy)
})
setFunctionCodec({ referenceOf: (fn, path) => referenceOf(fn, path), resolveReference })
