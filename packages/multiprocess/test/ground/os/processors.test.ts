import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { describe, test } from 'node:test'
import { cgroupLimit } from '../../../src/ground/os/processors.ts'
import { cpuCount } from '../../../src/index.ts'
import { runForJson } from '../../fixtures/process/tools.ts'
import { limit } from '../../fixtures/slowness.ts'

function limitOf(files: Record<string, string>): number {
  return cgroupLimit(path => files[path] ?? null)
}

const UNLIMITED = Number.POSITIVE_INFINITY

describe('the limits of control groups', () => {
  test('a process without control groups has no limit', () => {
    assert.equal(limitOf({}), UNLIMITED)
    assert.equal(limitOf({ '/proc/self/cgroup': '0::/\n' }), UNLIMITED)
    assert.equal(limitOf({ '/proc/self/cgroup': '' }), UNLIMITED)
    assert.equal(limitOf({ '/proc/self/cgroup': 'no such line\n' }), UNLIMITED)
  })

  test('version 2 uses the smallest limit of the group and those above it', () => {
    const files = {
      '/proc/self/cgroup': '0::/user.slice/app.slice/job.scope\n',
      '/sys/fs/cgroup/user.slice/cpu.max': '400000 100000\n',
      '/sys/fs/cgroup/user.slice/app.slice/cpu.max': '150000 100000\n',
      '/sys/fs/cgroup/user.slice/app.slice/job.scope/cpu.max': 'max 100000\n'
    }
    assert.equal(limitOf(files), 1.5)
    assert.equal(limitOf({ ...files, '/sys/fs/cgroup/user.slice/app.slice/cpu.max': 'max 100000\n' }), 4)
    assert.equal(limitOf({ ...files, '/sys/fs/cgroup/cpu.max': '50000 100000\n' }), 0.5)
  })

  test('version 2 in a container uses the root that it sees', () => {
    assert.equal(limitOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' }), 2)
    const path = '/docker/0123abcd'
    assert.equal(limitOf({ '/proc/self/cgroup': `0::${path}\n`, '/sys/fs/cgroup/cpu.max': '25000 50000\n' }), 0.5)
  })

  test('version 1 divides the quota by the period', () => {
    const files = {
      '/proc/self/cgroup': '9:name=systemd:/x\n5:memory:/y\n3:cpuset:/w\n2:cpuacct,cpu:/docker/abc\n',
      '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '250000\n',
      '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us': '100000\n'
    }
    assert.equal(limitOf(files), 2.5)
    assert.equal(limitOf({ ...files, '/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us': '-1\n' }), UNLIMITED)
    const joined = {
      '/proc/self/cgroup': '4:cpu,cpuacct:/a:b/c\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '300000\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      '/sys/fs/cgroup/cpu,cpuacct/a:b/cpu.cfs_quota_us': '100000\n',
      '/sys/fs/cgroup/cpu,cpuacct/a:b/cpu.cfs_period_us': '100000\n'
    }
    assert.equal(limitOf(joined), 1)
  })

  test('both versions at once give the smaller limit', () => {
    assert.equal(
      limitOf({
        '/proc/self/cgroup': '2:cpu:/v1\n0::/v2\n',
        '/sys/fs/cgroup/cpu/v1/cpu.cfs_quota_us': '300000\n',
        '/sys/fs/cgroup/cpu/v1/cpu.cfs_period_us': '100000\n',
        '/sys/fs/cgroup/unified/v2/cpu.max': '200000 100000\n'
      }),
      2
    )
  })

  test('text that is not a number sets no limit', () => {
    for (const text of ['', 'max', 'max 100000', '0 100000', '-1 100000', '100000 0', 'a b', '100000']) {
      assert.equal(limitOf({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': text }), UNLIMITED, text)
    }
  })
})

describe('cpuCount', { timeout: limit(30_000) }, () => {
  const text = "import { cpuCount } from '%LIBRARY%'\nconsole.log(cpuCount())"

  test('cpuCount is a whole number, and no more than the processors', () => {
    assert.ok(Number.isInteger(cpuCount()) && cpuCount() >= 1 && cpuCount() <= availableParallelism())
  })

  test('cpuCount respects the affinity', async () => {
    assert.equal(await runForJson(text, { through: ['taskset', '-c', '0'] }), 1)
    assert.equal(await runForJson(text), cpuCount())
  })

  test('a child inherits the affinity', async () => {
    const inChild = `
      import { cpuCount, Process } from '%LIBRARY%'
      new Process({ target: { module: '%TARGETS%', export: 'printProcessors' } }).start()`
    assert.equal(await runForJson(inChild, { through: ['taskset', '-c', '0'] }), 1)
  })
})
