"""The memory image: a process that holds the default graph in memory and forks query workers.

Started by `image_client.py` as `python -m clusterloom.store.image ORDERS REPORTS STORE MEGABYTES
PARENT`. An order is one byte that carries two descriptors: the connection of the new worker and
the file for what it says on stderr. A worker shares the image's memory until it writes to it
(which reading does too: the library counts references), and is ended as any other worker.

Measured on a release of 1.2 million triples in the default graph: 6 to 7 s to fill, 430 MB for
good (0.36 kB a triple), 10 to 20 ms a fork; a query that scans the whole graph copies 385 MB into
its worker once, which takes 0.25 s; a look-up copies 4 MB.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import threading
import traceback
from types import FrameType

import pyoxigraph as ox

from clusterloom.store import frames
from clusterloom.store.confine import STACK, bind, confine, sizes
from clusterloom.store.worker import Allowance, serve


def fill(path: str) -> ox.Store:
    """The default graph of a store on disk, in memory."""
    disk = ox.Store.read_only(path)
    store = ox.Store()
    store.bulk_extend(disk.quads_for_pattern(None, None, None, ox.DefaultGraph()))
    return store


def work(store: ox.Store, megabytes: int, parent: int, connection: socket.socket) -> None:
    """The life of a forked worker."""
    bind(parent, badness=600)

    def live() -> None:
        base = sizes()[0]
        memory = Allowance(megabytes, base)
        memory.limit(megabytes)
        ready = {"isolated": True, "megabytes": base, "pid": os.getpid()}
        connection.sendall(frames.pack_json(frames.READY, ready))
        serve(store, connection, memory)

    # a thread gets a heap of its own from the allocator: in the one that was filled, memory comes
    # in scattered pieces, each of which copies a page from the image (joins took 1.6 times as long)
    threading.stack_size(STACK << 20)
    thread = threading.Thread(target=live)
    thread.start()
    thread.join()


def main(arguments: list[str]) -> None:
    """Fills the store, then forks a worker for each order until the parent is gone."""
    orders_fd, reports_fd, path, megabytes, parent = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    isolated = confine(int(parent), badness=300)
    orders, reports = (socket.socket(fileno=int(fd)) for fd in (orders_fd, reports_fd))
    store = fill(path)
    gc.collect()
    gc.freeze()  # a collection would write to every page that holds Python objects
    me = os.getpid()

    def reap(_signal: int, _frame: FrameType | None) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            gone = {"pid": pid, "code": os.waitstatus_to_exitcode(status)}
            reports.sendall(frames.pack_json(frames.GONE, gone))

    ready = {"isolated": isolated, "megabytes": sizes()[1], "pid": me}
    reports.sendall(frames.pack_json(frames.READY, ready))
    signal.signal(signal.SIGCHLD, reap)
    while True:
        order, descriptors, _, _ = socket.recv_fds(orders, 1, 2)
        if not order:
            return
        try:
            pid = os.fork()
        except OSError:  # no room for a process now; the parent hears of it by a closed connection
            pid = -1
        if pid == 0:
            code = 1
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                orders.close()
                reports.close()
                os.dup2(descriptors[1], 2)
                work(store, int(megabytes), me, socket.socket(fileno=descriptors[0]))
            except SystemExit:
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main(sys.argv[1:])
