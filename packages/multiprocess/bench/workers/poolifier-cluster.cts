// CommonJS, because on Node 20 an ES module registers its listener only after the pool's first message has come and
// gone, and the pool then waits for ever (https://github.com/poolifier/poolifier/issues/782).
const { ClusterWorker } = require('poolifier') as typeof import('poolifier')
const { taskByName } = require('../task-by-name.js') as typeof import('../task-by-name.js')

module.exports = new ClusterWorker<unknown, unknown>(taskByName(process.env.BENCH_TASK))
