/**
 * Ten processes add 100 to the first element of one Array, one after another: it goes from 1 to 1001.
 *
 *     def func(i, temp):
 *         with temp.get_lock():
 *             temp[0] += 100
 *             print('process', i, 'changed the first element:', temp[0])
 *
 *     temp = Array('i', [1, 2, 3, 4])
 *     for i in range(10):
 *         Process(target=func, args=(i, temp)).start()
 */
import * as mp from 'multiprocess'

function func(i: number, temp: mp.SharedArray<'i'>): void {
  temp.runExclusiveSync(() => {
    temp[0] += 100
    console.log('process', i, 'changed the first element:', temp[0])
  })
}

const temp = mp.Array('i', [1, 2, 3, 4])
const processes = Array.from({ length: 10 }, (_, i) => new mp.Process({ target: func, args: [i, temp] }))
for (const process of processes) process.start()
for (const process of processes) await process.join()
console.log('at the end:', temp.join(', '))
