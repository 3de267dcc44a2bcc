"""What a worker process gives up before it reads a query: network, memory, a life of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000


def confine(megabytes: int, parent: int) -> bool:
    """Binds this process to its parent and its limits; True when it has no network."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # the kernel should choose a worker, not the server, when the machine is out of memory
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as handle:
            handle.write("500")
    if os.getppid() != parent:  # it died before the line above
        raise SystemExit(0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    limit_memory(megabytes, megabytes)
    if sys.platform != "linux":
        return False
    alone: bool = libc.unshare(_CLONE_NEWNET) == 0
    return alone or bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def size() -> int:
    """The address space of this process in MB."""
    with open("/proc/self/statm", encoding="ascii") as handle:
        return int(handle.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") >> 20


def limit_memory(megabytes: int, most: int) -> None:
    """Sets the address space this process may use now, and the most it may ever be given."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, most << 20))
