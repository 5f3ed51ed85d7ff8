/** Options that nobody knows are refused where they are written; no server is needed for it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClusterPool, ClusterWorker } from '../src/index.ts'
import { KEY } from './fixtures/programs.ts'
import { freePort } from './fixtures/redis.ts'
import { square } from './fixtures/tasks.ts'

const URL = 'redis://127.0.0.1:1'

describe('unknown options', { timeout: 60_000 }, () => {
  for (const [name, make] of [
    ['a ClusterPool', (options: object) => new ClusterPool(options)],
    ['a ClusterWorker', (options: object) => new ClusterWorker(options as never)]
  ] as const) {
    test(`${name} refuses a misspelt option, and says what it may mean`, () => {
      for (const [options, says] of [
        [{ url: URL, nmae: 'x' }, /unknown option 'nmae': did you mean 'name'\?/],
        [
          { url: URL, name: 'x', key: KEY, maxtasksperchild: 1 },
          /'maxtasksperchild': did you mean 'maxTasksPerChild'\?/
        ],
        [{ url: URL, name: 'x', key: KEY, lese: 1 }, /unknown option 'lese'/],
        [7, /options must be an object such as \{ url: 'redis:\/\/localhost', name: 'thumbs', key \}, got 7/],
        [null, /got null/]
      ] as const) {
        assert.throws(() => make(options as object), { name: 'TypeError', message: says })
      }
    })
  }

  test('invalid options of a server are refused with their name, their range and the value', () => {
    const server = { url: 'redis://127.0.0.1:1', name: 'x', key: KEY }
    for (const [make, name, message] of [
      [() => new ClusterPool({ ...server, url: 5 } as never), 'TypeError', 'url must be a string, got 5'],
      [
        () => new ClusterPool({ ...server, serverTimeout: 0 }),
        'ValueError',
        'serverTimeout must be more than 0 milliseconds, got 0'
      ],
      [
        () => new ClusterPool({ ...server, serverTimeout: '5s' } as never),
        'TypeError',
        "serverTimeout must be a number of milliseconds, got '5s' (a string)"
      ],
      [
        () => new ClusterPool({ ...server, expire: 1 }),
        'ValueError',
        'expire must be 1000 milliseconds or more, got 1'
      ],
      [
        () => new ClusterPool({ ...server, expire: Number.NaN }),
        'ValueError',
        'expire must be 1000 milliseconds or more, got NaN'
      ],
      [
        () => new ClusterWorker({ ...server, lease: 1 }),
        'ValueError',
        'lease must be 1000 milliseconds or more, got 1'
      ],
      [
        () => new ClusterWorker({ ...server, lease: null } as never),
        'TypeError',
        'lease must be a number of milliseconds, got null'
      ]
    ] as const) {
      assert.throws(make, { name, message })
    }
  })

  test('options of a cluster are known without a url, too', () => {
    assert.throws(() => new ClusterPool({ nmae: 'x' } as object), {
      name: 'TypeError',
      message: /did you mean 'name'\?/
    })
  })

  test('apply of a pool with a server refuses a misspelt option', async () => {
    const pool = new ClusterPool({
      url: `redis://127.0.0.1:${await freePort()}`,
      name: 'x',
      key: KEY,
      serverTimeout: 500
    })
    try {
      const options = { timout: 50 } as object
      const refusal = { name: 'TypeError', message: /unknown option 'timout': did you mean 'timeout'\?/ }
      await assert.rejects(pool.apply(square, [1], options), refusal)
      assert.throws(() => pool.applyAsync(square, [1], options), refusal)
      await assert.rejects(pool.map(square, [1], options), refusal)
    } finally {
      pool.terminate()
      await pool.join()
    }
  })
})
