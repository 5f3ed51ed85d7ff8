/** OpenTelemetry's API, which programs install themselves: it is loaded where it is used, and nowhere else. */
import { createRequire } from 'node:module'
import type * as Api from '@opentelemetry/api'
import { MultiprocessError } from '../../errors.ts'

export type OpenTelemetry = typeof Api

let loaded: OpenTelemetry | undefined

/** @throws MultiprocessError (`ERR_IMPORT`) if `@opentelemetry/api` is not installed */
export function openTelemetry(): OpenTelemetry {
  loaded ??= load()
  return loaded
}

function load(): OpenTelemetry {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry
  } catch (error) {
    throw new MultiprocessError(
      `cannot load @opentelemetry/api: ${(error as Error).message.split('\n')[0]}; ` +
        'install it beside multiprocess: npm install @opentelemetry/api',
      { code: 'ERR_IMPORT', cause: error }
    )
  }
}

/** Of this package: the version of what instruments. */
export function ownVersion(): string {
  const { version } = createRequire(import.meta.url)('multiprocess/package.json') as { version: string }
  return version
}
