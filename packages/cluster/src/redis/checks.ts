/** Checks a server before it gets work. */
import type { Redis } from 'ioredis'
import { AuthenticationError, MultiprocessError } from 'multiprocess'
import type { Names } from '../wire/names.ts'
import type { Signer } from '../wire/signature.ts'

/** The key check is forgotten after this many milliseconds without a program, so that a key can be replaced. */
export const KEY_CHECK_MS = 120_000

/**
 * Checks the server's settings, and that its other programs have the same key.
 * @param warn gets warnings
 * @throws MultiprocessError (`ERR_CLUSTER_SETTINGS`) if the server may drop keys when it is full
 * @throws AuthenticationError if other programs of this name have another key
 */
export async function checkSettings(
  redis: Redis,
  names: Names,
  signer: Signer,
  warn: (message: string) => void
): Promise<void> {
  const own = signer.sign(['key-check', names.queue], new Uint8Array(0))
  const [persistence] = await Promise.all([redis.info('persistence'), checkPolicy(redis)])
  if (fieldOf(persistence, 'aof_enabled') === '0') {
    warn(
      'the server keeps no append-only file: when it restarts, batches are lost and run again; set `appendonly yes` (multiprocess-cluster)'
    )
  }
  await redis.set(names.keyCheck, own, 'PX', KEY_CHECK_MS, 'NX')
  const found = await redis.get(names.keyCheck)
  if (found !== null && found !== own) {
    throw new AuthenticationError(
      `cannot join '${names.queue}': its other programs have another key; give all of them the same key, or wait ${KEY_CHECK_MS / 60_000} minutes after the last of them has ended`
    )
  }
}

/** @throws MultiprocessError (`ERR_CLUSTER_SETTINGS`) if the server may drop keys when it is full */
export async function checkPolicy(redis: Redis): Promise<void> {
  const policy = fieldOf(await redis.info('memory'), 'maxmemory_policy')
  if (policy === undefined || policy === 'noeviction') return
  throw new MultiprocessError(
    `cannot use the server: its maxmemory-policy is '${policy}', so it drops batches when it is full; set \`maxmemory-policy noeviction\``,
    { code: 'ERR_CLUSTER_SETTINGS' }
  )
}

function fieldOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
}
