"""What bench/sync.ts measures, in CPython: one JSON object of figures."""
import json
import multiprocessing as mp
import time


def uncontended(times):
    lock = mp.Lock()
    began = time.perf_counter()
    for _ in range(times):
        lock.acquire()
        lock.release()
    return (time.perf_counter() - began) / times * 1e9


def hand_over(lock, last, me, count, stop_at):
    handovers = 0
    while time.time() < stop_at:
        for _ in range(16):
            with lock:
                if last.value != me:
                    handovers += 1
                last.value = me
    with count.get_lock():
        count.value += handovers


def contended(seconds):
    lock, last, count = mp.Lock(), mp.RawValue('i', 0), mp.Value('q', 0)
    stop_at = time.time() + 0.3 + seconds
    time_before = time.time()
    children = [mp.Process(target=hand_over, args=(lock, last, me, count, stop_at)) for me in (1, 2)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return count.value / (stop_at - time_before)


def element(times):
    array = mp.Array('i', 1)
    began = time.perf_counter()
    for _ in range(times):
        array[0] += 1
    return (time.perf_counter() - began) / times * 1e9


def answer_semaphore(ping, pong, times):
    for _ in range(times):
        ping.acquire()
        pong.release()


def semaphores(times):
    ping, pong = mp.Semaphore(0), mp.Semaphore(0)
    child = mp.Process(target=answer_semaphore, args=(ping, pong, times + 1))
    child.start()
    ping.release()
    pong.acquire()
    began = time.perf_counter()
    for _ in range(times):
        ping.release()
        pong.acquire()
    elapsed = time.perf_counter() - began
    child.join()
    return elapsed / times * 1e6


def answer_event(ping, pong, times):
    for _ in range(times):
        ping.wait()
        ping.clear()
        pong.set()


def events(times):
    ping, pong = mp.Event(), mp.Event()
    child = mp.Process(target=answer_event, args=(ping, pong, times + 1))
    child.start()
    ping.set()
    pong.wait()
    pong.clear()
    began = time.perf_counter()
    for _ in range(times):
        ping.set()
        pong.wait()
        pong.clear()
    elapsed = time.perf_counter() - began
    child.join()
    return elapsed / times * 1e6


if __name__ == '__main__':
    mp.set_start_method('fork')
    print(json.dumps({
        'uncontended': uncontended(1_000_000),
        'handovers': contended(0.7),
        'element': element(100_000),
        'semaphores': semaphores(5_000),
        'events': events(3_000),
    }))
