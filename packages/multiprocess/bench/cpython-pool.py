"""CPython's multiprocessing.Pool under the rules of measure.ts; prints one line that main.ts reads."""

import gc
import json
import multiprocessing
import sys
import time


def square(n):
    return n * n


def throughput_batch(pool, tasks):
    began = time.perf_counter()
    pending = [pool.apply_async(square, (n,)) for n in range(tasks)]
    results = [result.get() for result in pending]
    elapsed = time.perf_counter() - began
    expected = (tasks - 1) * tasks * (2 * tasks - 1) // 6
    if sum(results) != expected:
        raise AssertionError(f"the sum of {tasks} squares came out as {sum(results)}, and should be {expected}")
    return elapsed * 1000


def round_trip_batch(pool, trips, times):
    began = before = time.perf_counter()
    for n in range(trips):
        if pool.apply_async(square, (n,)).get() != n * n:
            raise AssertionError(f"square({n}) came out wrong")
        now = time.perf_counter()
        times.append(now - before)
        before = now
    return (before - began) * 1000


def repeat(least_ms, batch):
    count, elapsed = 0, 0.0
    while count == 0 or elapsed < least_ms:
        elapsed += batch()
        count += 1
    return count, elapsed


def main():
    settings = json.loads(sys.argv[1])
    tasks, trips = settings["tasks"], settings["trips"]
    warmup, sample = settings["warmupMs"], settings["sampleMs"]
    with multiprocessing.Pool(settings["workers"]) as pool:
        repeat(warmup, lambda: throughput_batch(pool, tasks))
        gc.collect()
        batches, batches_ms = repeat(sample, lambda: throughput_batch(pool, tasks))
        repeat(warmup, lambda: round_trip_batch(pool, trips, []))
        gc.collect()
        times = []
        rounds, rounds_ms = repeat(sample, lambda: round_trip_batch(pool, trips, times))
        times.sort()
        found = {
            "tasksPerSecond": batches * tasks * 1000 / batches_ms,
            "roundTripUs": rounds_ms * 1000 / (rounds * trips),
            "roundTripP50Us": times[len(times) // 2] * 1e6,
            "roundTripP99Us": times[int(len(times) * 0.99)] * 1e6,
        }
        print("BENCH-SAMPLE", json.dumps(found), flush=True)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main()
