// CommonJS, because on Node 20 an ES module registers its listener only after the pool's first message has come and
// gone, and the pool then waits for ever (https://github.com/poolifier/poolifier/issues/782).
const { ClusterWorker } = require('poolifier') as typeof import('poolifier')
const { square } = require('../tasks.js') as typeof import('../tasks.js')

module.exports = new ClusterWorker<number, number>(n => square(n as number))
