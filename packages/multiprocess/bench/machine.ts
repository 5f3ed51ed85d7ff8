import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { ContestantInfo } from './contestants.ts'

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryGiB: Math.round((os.totalmem() / 2 ** 30) * 10) / 10,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version
  }
}

/** The share of the processors, 0 to 1, that all programs use while this one waits for some milliseconds. */
export async function othersUse(ms: number): Promise<number> {
  const before = processorTimes()
  await setTimeout(ms)
  const after = processorTimes()
  const total = after.total - before.total
  return total > 0 ? 1 - (after.idle - before.idle) / total : 0
}

function processorTimes(): { idle: number; total: number } {
  let idle = 0
  let total = 0
  for (const { times } of os.cpus()) {
    idle += times.idle
    total += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { idle, total }
}

/** The version installed, or null when the contestant is not there. */
export function versionOf(info: ContestantInfo): string | null {
  if (info.role === 'ours') return ownVersion()
  if (info.library === 'node') return process.versions.node
  if (info.open !== undefined) return packageVersion(info.library)
  const { status, stdout } = spawnSync(info.library, ['-c', 'import platform; print(platform.python_version())'], {
    encoding: 'utf8'
  })
  return status === 0 ? stdout.trim() : null
}

function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

/** Looks upwards from the package's entry, since `exports` often hides its package.json. */
function packageVersion(name: string): string | null {
  let folder: string
  try {
    folder = path.dirname(createRequire(import.meta.url).resolve(name))
  } catch {
    return null
  }
  for (; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    try {
      const found = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
        name?: string
        version?: string
      }
      if (found.name === name && found.version !== undefined) return found.version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return null
}
