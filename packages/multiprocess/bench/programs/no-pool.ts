/** The work of the programs without any pool, one task after the other. */
import { compute } from './work.ts'

for (let i = Number(process.argv[3]); i > 0; i--) compute(i)
