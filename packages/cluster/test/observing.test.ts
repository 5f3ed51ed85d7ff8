/** BullMQ's own tools on a cluster: traces by bullmq-otel, the page of bull-board. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, describe, test } from 'node:test'
import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { ExpressAdapter } from '@bull-board/express'
import { context, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { Queue } from 'bullmq'
import { BullMQOtel } from 'bullmq-otel'
import express from 'express'
import { Redis } from 'ioredis'
import { ClusterPool, ClusterWorker } from '../src/index.ts'
import { closeAll } from './fixtures/opened.ts'
import { KEY, startWorker } from './fixtures/programs.ts'
import { missing, RedisServer } from './fixtures/redis.ts'
import * as tasks from './fixtures/tasks.ts'
import { range, until } from './fixtures/tools.ts'

const timeout = 120_000

interface Shown {
  readonly name: string
  readonly counts: Readonly<Record<string, number>>
  readonly readOnlyMode: boolean
  readonly jobs: readonly { readonly name: string }[]
}

describe('tools of BullMQ on a cluster', { skip: missing, timeout: 3 * timeout }, () => {
  after(closeAll)

  test('bullmq-otel traces each batch from the program into the worker', { timeout }, async () => {
    const exporter = new InMemorySpanExporter()
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
    try {
      await using server = await RedisServer.start()
      const options = { url: server.url, name: 'traced', key: KEY, telemetry: new BullMQOtel({ tracerName: 'traced' }) }
      const worker = new ClusterWorker({ ...options, processes: 1 })
      const pool = new ClusterPool(options)
      assert.deepEqual(await pool.map(tasks.square, range(10), 5), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
      const finished = () => exporter.getFinishedSpans()
      pool.close()
      await pool.join()
      await worker.close({ timeout: 10 })
      const names = finished().map(({ name }) => name)
      const added = finished().filter(({ name }) => name === 'add traced.square')
      const processed = finished().filter(({ name }) => name === 'process traced')
      assert.deepEqual([added.length, processed.length], [2, 2], names.join(', '))
      for (const { parentSpanContext } of processed) {
        const parent = added.find(span => span.spanContext().spanId === parentSpanContext?.spanId)
        assert.equal(parent?.spanContext().traceId, parentSpanContext?.traceId, names.join(', '))
      }
    } finally {
      trace.disable()
      context.disable()
    }
  })

  test('bull-board shows the batches that wait, by the names of their functions', { timeout }, async () => {
    await using server = await RedisServer.start()
    await using pool = new ClusterPool({ url: server.url, name: 'shown', key: KEY })
    const connection = new Redis(server.url, { maxRetriesPerRequest: null })
    const queue = new Queue('shown', { connection, prefix: 'multiprocess' })
    const serverAdapter = new ExpressAdapter()
    createBullBoard({ queues: [new BullMQAdapter(queue, { readOnlyMode: true })], serverAdapter })
    const http = express().use('/', serverAdapter.getRouter()).listen(0, '127.0.0.1')
    await once(http, 'listening')
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    try {
      const result = pool.map(tasks.square, range(4), 2)
      const shown = async () => {
        const query = 'activeQueue=shown&status=latest&page=1&jobsPerPage=10'
        const { queues } = (await (await fetch(`${url}/api/queues?${query}`)).json()) as { queues: Shown[] }
        return queues[0]
      }
      await until(async () => (await shown()).counts['waiting'] > 0)
      const { name, readOnlyMode, jobs, counts } = await shown()
      assert.deepEqual([name, readOnlyMode], ['shown', true])
      assert.equal(jobs.length, counts['waiting'])
      assert.deepEqual([...new Set(jobs.map(job => job.name))], ['square'])
      const page = await fetch(url)
      assert.match(await page.text(), /<html/i)
      await using _worker = await startWorker(server.url, 'shown', ['--processes', '1'])
      assert.deepEqual(await result, [0, 1, 4, 9])
      await until(async () => (await shown()).counts['waiting'] === 0)
    } finally {
      http.close()
      http.closeAllConnections()
      await queue.close()
      connection.disconnect()
    }
  })
})
