"""The programs of programs.ts with CPython's multiprocessing.Pool: PROGRAM METHOD FILE."""

import json
import multiprocessing
import sys
import time

WANTED = 3000


def square(n):
    return n * n


def pause(ms):
    time.sleep(ms / 1000)
    return ms


def rename(person):
    return {**person, "name": person["name"].upper()}


def is_wanted(n):
    return n if n == WANTED else None


def sum_range(part):
    path, start, end = part
    total = 0
    with open(path, "rb") as file:
        file.seek(start)
        if start > 0:
            file.readline()
        while file.tell() <= end:
            line = file.readline()
            if not line:
                break
            total += json.loads(line)["amount"]
    return total


def apply(pool, _):
    assert pool.apply(square, (3,)) == 9


def tasks(pool, _):
    results = [pool.apply_async(square, (n,)) for n in range(50_000)]
    last = [result.get() for result in results][-1]
    assert last == 49_999**2


def mapped(pool, _):
    assert pool.map(square, range(1_000_000))[-1] == 999_999**2


def pauses(pool, _):
    assert len(pool.map(pause, [100] * 30, chunksize=1)) == 30


def stop(pool, _):
    for found in pool.imap_unordered(is_wanted, range(10_000), chunksize=16):
        if found is not None:
            assert found == WANTED
            break
    pool.terminate()


def objects(pool, _):
    people = [{"id": n, "name": f"person {n}", "isActive": n % 2 == 0} for n in range(10_000)]
    assert pool.map(rename, people)[7]["name"] == "PERSON 7"


def ndjson(pool, file):
    path, length, total = file.split(":")
    size = -(-int(length) // 16)
    parts = [(path, start, min(int(length), start + size)) for start in range(0, int(length), size)]
    assert sum(pool.map(sum_range, parts, chunksize=1)) == int(total)


PROGRAMS = {
    "apply": apply,
    "tasks": tasks,
    "map": mapped,
    "pauses": pauses,
    "stop": stop,
    "objects": objects,
    "ndjson": ndjson,
}

if __name__ == "__main__":
    name, method, file = sys.argv[1:4]
    pool = multiprocessing.get_context(method).Pool(4 if name == "pauses" else 2)
    PROGRAMS[name](pool, file)
    if name != "stop":
        pool.close()
    pool.join()
