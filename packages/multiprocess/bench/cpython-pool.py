"""CPython's multiprocessing.Pool under the rules of parts/*.ts: PART SETTINGS; prints one line that main.ts reads."""

import array
import gc
import json
import multiprocessing
import sys
import time


def square(n):
    return n * n


def spin(ms):
    end = time.perf_counter() + ms / 1000
    while time.perf_counter() < end:
        pass
    return ms


def touch(values):
    values[0] += 1
    return values


def check_squares(results, count):
    expected = (count - 1) * count * (2 * count - 1) // 6
    if sum(results) != expected:
        raise AssertionError(f"the sum of {count} squares came out as {sum(results)}, and should be {expected}")


def squares(pool, count):
    began = time.perf_counter()
    pending = [pool.apply_async(square, (n,)) for n in range(count)]
    results = [result.get() for result in pending]
    elapsed = time.perf_counter() - began
    check_squares(results, count)
    return elapsed * 1000


def mapped(pool, items):
    began = time.perf_counter()
    results = pool.map(square, items)
    elapsed = time.perf_counter() - began
    check_squares(results, len(items))
    return elapsed * 1000


def trips(pool, count, times):
    began = before = time.perf_counter()
    for n in range(count):
        if pool.apply_async(square, (n,)).get() != n * n:
            raise AssertionError(f"square({n}) came out wrong")
        now = time.perf_counter()
        times.append(now - before)
        before = now
    return (before - began) * 1000


def arrays(pool, sent, count):
    began = time.perf_counter()
    for trip in range(count):
        sent[0] = trip
        got = pool.apply_async(touch, (sent,)).get()
        if got[0] != trip + 1 or len(got) != len(sent) or got[-1] != len(sent) - 1:
            raise AssertionError("the array came back as something else")
    return (time.perf_counter() - began) * 1000


def random_from(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state / 2**32


def stream(pool, workers, count):
    """As in parts/mixed.ts: the seconds that each task ends later than in an ideal queue."""
    random = random_from(count)
    lengths = [next(random) * 20 for _ in range(count)]
    submitted, ended, pending = [], [0.0] * count, []
    due = time.perf_counter()
    for task, length in enumerate(lengths):
        due += next(random) * 20 / (workers * 0.6) / 1000
        pause = due - time.perf_counter()
        if pause > 0:
            time.sleep(pause)
        submitted.append(time.perf_counter())

        def end(_, task=task):
            ended[task] = time.perf_counter()

        pending.append(pool.apply_async(spin, (length,), callback=end))
    for result in pending:
        result.get()
    free = [0.0] * workers
    added = []
    for task, at in enumerate(submitted):
        worker = free.index(min(free))
        free[worker] = max(at, free[worker]) + lengths[task] / 1000
        added.append(ended[task] - free[worker])
    return added


def repeat(least_ms, batch):
    count, elapsed = 0, 0.0
    while count == 0 or elapsed < least_ms:
        elapsed += batch()
        count += 1
    return count, elapsed


def warm_and_repeat(settings, batch):
    repeat(settings["warmupMs"], batch)
    gc.collect()
    return repeat(settings["sampleMs"], batch)


def throughput_part(pool, settings):
    count = settings["count"]
    batches, elapsed = warm_and_repeat(settings, lambda: squares(pool, count))
    return {"value": batches * count * 1000 / elapsed}


def round_trip_part(pool, settings):
    count = settings["count"]
    repeat(settings["warmupMs"], lambda: trips(pool, count, []))
    gc.collect()
    times = []
    batches, elapsed = repeat(settings["sampleMs"], lambda: trips(pool, count, times))
    times.sort()
    return {
        "value": elapsed * 1000 / (batches * count),
        "p50": times[len(times) // 2] * 1e6,
        "p99": times[int(len(times) * 0.99)] * 1e6,
    }


def map_part(pool, settings):
    items = list(range(settings["count"]))
    batches, elapsed = warm_and_repeat(settings, lambda: mapped(pool, items))
    return {"value": batches * len(items) * 1000 / elapsed}


def mixed_part(pool, settings):
    count = settings["count"]
    stream(pool, settings["workers"], 40)
    gc.collect()
    added = sorted(stream(pool, settings["workers"], count))
    return {
        "value": sum(added) / count * 1e6,
        "p50": added[count // 2] * 1e6,
        "p99": added[int(count * 0.99)] * 1e6,
    }


def arrays_part(pool, settings):
    count = settings["count"]
    sent = array.array("d", range(10_000_000 // 8))
    batches, elapsed = warm_and_repeat(settings, lambda: arrays(pool, sent, count))
    return {"value": batches * count * 20_000 / elapsed}


PARTS = {
    "throughput": throughput_part,
    "round-trip": round_trip_part,
    "map": map_part,
    "mixed": mixed_part,
    "arrays": arrays_part,
}


def main():
    part, settings = PARTS[sys.argv[1]], json.loads(sys.argv[2])
    with multiprocessing.Pool(settings["workers"]) as pool:
        print("BENCH-SAMPLE", json.dumps(part(pool, settings)), flush=True)
        pool.close()
        pool.join()


if __name__ == "__main__":
    main()
