"""Frames between a worker and its parent: cut anywhere, waited for by one reader after another."""

from __future__ import annotations

import asyncio
import socket

import pytest

from clusterloom.store import frames
from clusterloom.store.frame_reader import FrameReader

FRAME = frames.pack(frames.DATA, b"abc")


def test_a_wait_that_is_cancelled_does_not_forget_the_next_one() -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            reader = await FrameReader.over(ours)
            first = asyncio.ensure_future(reader.read())
            await asyncio.sleep(0)
            first.cancel()  # it has not yet noticed when the second one begins
            asyncio.get_running_loop().call_soon(theirs.sendall, FRAME)
            async with asyncio.timeout(2):
                assert await reader.read() == (frames.DATA, b"abc")
            assert first.cancelled()
            reader.close()

    asyncio.run(run())


@pytest.mark.parametrize("size", [1, 4, 5, 7, 100])
def test_frames_may_be_cut_anywhere(size: int) -> None:
    async def run() -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            reader = await FrameReader.over(ours)
            data = FRAME * 3 + frames.pack(frames.END, b"{}")
            for at in range(0, len(data), size):
                theirs.sendall(data[at : at + size])
                await asyncio.sleep(0)
            got = [await reader.read() for _ in range(4)]
            assert got == [(frames.DATA, b"abc")] * 3 + [(frames.END, b"{}")]
            theirs.close()
            with pytest.raises(EOFError):
                await reader.read()
            reader.close()

    asyncio.run(run())
