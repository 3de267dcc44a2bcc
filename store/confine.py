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

STACK = 120
"""MB of stack for the engine's parser, which takes up to 6 kB for each part of a chain.

The kernel leaves 128 MB of room below the stack of a process started with the usual limit of 8.
"""


def bind(parent: int, badness: int = 500) -> None:
    """Lets this process die with its parent, and rather than its parent.

    When the machine is out of memory, the kernel ends what has more badness first.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as handle:
            handle.write(str(badness))
    if os.getppid() != parent:  # it died before the line above
        raise SystemExit(0)


def confine(parent: int, badness: int = 500) -> bool:
    """Binds this process to its parent and gives up the network; True when that worked.

    To be called while there is one thread only: a user namespace is refused later.
    """
    bind(parent, badness)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # a lower hard limit stands
        resource.setrlimit(resource.RLIMIT_STACK, (STACK << 20, STACK << 20))
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    alone: bool = libc.unshare(_CLONE_NEWNET) == 0
    return alone or bool(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def sizes() -> tuple[int, int]:
    """The address space of this process and its memory without that of files, in MB."""
    page = os.sysconf("SC_PAGE_SIZE")
    with open("/proc/self/statm", encoding="ascii") as handle:
        space, resident, files = map(int, handle.read().split()[:3])
    return space * page >> 20, (resident - files) * page >> 20


def limit_memory(megabytes: int, most: int) -> None:
    """Sets the address space this process may use now, and the most it may ever be given."""
    resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, most << 20))
