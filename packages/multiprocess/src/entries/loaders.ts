/**
 * How a process loads what a message requires when it receives the first of a kind. Every first module of a program or of a child imports
 * this module; naming a lazy import loads it.
 */
import * as codeReader from '../codec/closures/read.ts' // lazy
import { provide, registerLoader } from '../codec/references/imports.ts'
import {
  CODE_REQUEST,
  MEMORY_REQUEST,
  PROXY_REQUEST,
  REMOTE_REQUEST,
  SHARED_REQUEST,
  WORKER_REQUEST
} from '../codec/values/requests.ts'
import * as namedMemory from '../crossing/named-memory.ts' // lazy
import * as sharedObjects from '../crossing/shared-objects.ts' // lazy
import { connectFor } from '../managers/client/remote-link.ts' // lazy
import * as proxies from '../managers/proxy-kind.ts' // lazy
import * as worker from '../pool/worker/main.ts' // lazy

registerLoader(CODE_REQUEST, { waits: false, load: () => void codeReader })
registerLoader(MEMORY_REQUEST, { waits: false, load: () => void namedMemory })
registerLoader(SHARED_REQUEST, { waits: false, load: () => void sharedObjects })
registerLoader(PROXY_REQUEST, { waits: false, load: () => void proxies })
registerLoader(REMOTE_REQUEST, { waits: true, load: request => connectFor(request) })
registerLoader(WORKER_REQUEST, { waits: false, load: request => provide(request, { work: worker.work }) })
