/** Lets proxies cross, see `proxy-crossing.ts`. The first receiver of one in a process imports this module. */

import { markImported } from '../codec/references/imports.ts'
import { registerKind } from '../codec/values/registry.ts'
import { PROXY_REQUEST } from '../codec/values/requests.ts'
import '../crossing/shared-objects.ts'
import '../process/sending.ts'
import { type BaseProxy, insideProxy } from './client/proxy.ts'
import type { ProxyData } from './protocol/proxy-data.ts'
import { decodeProxy, disposeProxy, encodeProxy } from './proxy-crossing.ts' // lazy

insideProxy.onDispose(parts => disposeProxy(parts))

markImported(PROXY_REQUEST)
registerKind<BaseProxy, ProxyData>({
  name: 'proxy',
  request: PROXY_REQUEST,
  crossesPrograms: true,
  encode: (proxy, writer) => encodeProxy(proxy, writer),
  decode: data => decodeProxy(data)
})
