/** Lets proxies cross: `proxy-crossing.ts` says how. Who receives one first imports this. */
import { registerKind } from '../codec/hooks.ts'
import { markImported, PROXY_REQUEST } from '../codec/module-imports.ts'
import '../codec/shared-kinds.ts'
import '../process/sending.ts'
import { type BaseProxy, insideProxy } from './proxy.ts'
import { decodeProxy, disposeProxy, encodeProxy } from './proxy-crossing.ts'
import type { ProxyData } from './proxy-data.ts'

insideProxy.onDispose(parts => disposeProxy(parts))

markImported(PROXY_REQUEST)
registerKind<BaseProxy, ProxyData>({
  name: 'proxy',
  request: PROXY_REQUEST,
  crossesPrograms: true,
  test: insideProxy.isProxy,
  encode: (proxy, writer) => encodeProxy(proxy, writer),
  decode: (data, isLast) => decodeProxy(data, isLast)
})
