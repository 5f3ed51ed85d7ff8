"""CPython's Queue, SimpleQueue and Pipe under the rules of channels.ts; prints one line of JSON that it reads."""

import json
import multiprocessing
import sys
import time


def put_all(queue, warm_up, count, ready, go):
    for i in range(count // warm_up):
        queue.put(i)
    ready.release()
    go.wait()
    for i in range(count):
        queue.put(i)


def get_all(queue, warm_up, count, ready, go):
    for _ in range(count // warm_up):
        queue.get()
    ready.release()
    # Or it would take what another is to warm up with.
    go.wait()
    for _ in range(count):
        queue.get()


def send_all(connection, warm_up, count, size, ready, go):
    data = bytes(size)
    for _ in range(count // warm_up):
        connection.send_bytes(data)
    ready.release()
    go.wait()
    for _ in range(count):
        connection.send_bytes(data)


def echo(connection, count, ready):
    ready.release()
    for _ in range(count):
        connection.send(connection.recv())


def start(*processes):
    for process in processes:
        process.start()


def messages_one(queue, warm_up, count):
    ready, go = multiprocessing.Semaphore(0), multiprocessing.Event()
    child = multiprocessing.Process(target=put_all, args=(queue, warm_up, count, ready, go))
    start(child)
    for _ in range(count // warm_up):
        queue.get()
    ready.acquire()
    began = time.perf_counter()
    go.set()
    for _ in range(count):
        queue.get()
    elapsed = time.perf_counter() - began
    child.join()
    return count / elapsed


def messages_two(queue, warm_up, count):
    ready, go = multiprocessing.Semaphore(0), multiprocessing.Event()
    producers = [multiprocessing.Process(target=put_all, args=(queue, warm_up, count // 2, ready, go)) for _ in range(2)]
    consumers = [multiprocessing.Process(target=get_all, args=(queue, warm_up, count // 2, ready, go)) for _ in range(2)]
    start(*producers, *consumers)
    for _ in range(4):
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for consumer in consumers:
        consumer.join()
    elapsed = time.perf_counter() - began
    for producer in producers:
        producer.join()
    return count / elapsed


def round_trip(warm_up, count):
    here, there = multiprocessing.Pipe()
    ready = multiprocessing.Semaphore(0)
    child = multiprocessing.Process(target=echo, args=(there, count // warm_up + count, ready))
    start(child)
    ready.acquire()
    for i in range(count // warm_up):
        here.send(i)
        here.recv()
    began = time.perf_counter()
    for i in range(count):
        here.send(i)
        here.recv()
    elapsed = time.perf_counter() - began
    child.join()
    return elapsed / count * 1e6


def bandwidth(warm_up, count, size):
    receiver, sender = multiprocessing.Pipe(False)
    ready, go = multiprocessing.Semaphore(0), multiprocessing.Event()
    child = multiprocessing.Process(target=send_all, args=(sender, warm_up, count, size, ready, go))
    start(child)
    for _ in range(count // warm_up):
        receiver.recv_bytes()
    ready.acquire()
    began = time.perf_counter()
    go.set()
    for _ in range(count):
        receiver.recv_bytes()
    elapsed = time.perf_counter() - began
    child.join()
    return count * size / elapsed / 1e9


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    messages, trips, blocks, size, warm_up = map(int, sys.argv[1:])
    print(
        json.dumps(
            {
                "messages": {
                    "CPython Queue": messages_one(multiprocessing.Queue(), warm_up, messages),
                    "CPython SimpleQueue": messages_one(multiprocessing.SimpleQueue(), warm_up, messages),
                },
                "messages2": {
                    "CPython Queue": messages_two(multiprocessing.Queue(), warm_up, messages),
                },
                "roundTrip": {"CPython Pipe": round_trip(warm_up, trips)},
                "bandwidth": {"CPython Pipe": bandwidth(warm_up, blocks, size)},
            }
        )
    )
