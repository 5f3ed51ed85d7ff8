"""What bench/managers.ts measures, in CPython: one JSON object of figures."""
import json
import multiprocessing as mp
import time


def timed(times, call):
    began = time.perf_counter()
    for i in range(times):
        call(i)
    return (time.perf_counter() - began) / times * 1e6


def pair(lock):
    lock.acquire()
    lock.release()


def call_for(task):
    shared, seconds = task
    began = time.perf_counter()
    end = began + seconds
    calls = 0
    while time.perf_counter() < end:
        for i in range(16):
            shared['k'] = i
        calls += 16
    return calls / (time.perf_counter() - began)


def clients(shared, count):
    with mp.Pool(count) as pool:
        pool.map(call_for, [(shared, 0.005)] * count, 1)
        return sum(pool.map(call_for, [(shared, 0.7)] * count, 1))


if __name__ == '__main__':
    with mp.Manager() as manager:
        shared, lock = manager.dict(), manager.Lock()
        figures = {
            'set': timed(5000, lambda i: shared.__setitem__('k', i)),
            'get': timed(5000, lambda i: shared['k']),
            'lock': timed(3000, lambda i: pair(lock)),
        }
        figures['inFlight'] = 1e6 / timed(5000, lambda i: shared.__setitem__('k', i))
        figures['one'] = clients(shared, 1)
        figures['four'] = clients(shared, 4)
        print(json.dumps(figures))
