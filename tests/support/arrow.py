"""What Arrow takes of the memory."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

POOLS: list[pa.MemoryPool] = []  # kept, since Arrow's threads may give a buffer back when its table is gone


@contextmanager
def counting() -> Iterator[pa.MemoryPool]:
    """Yields a pool that counts what Arrow takes meanwhile."""
    usual = pa.default_memory_pool()
    POOLS.append(pa.proxy_memory_pool(usual))
    pa.set_memory_pool(POOLS[-1])
    try:
        yield POOLS[-1]
    finally:
        pa.set_memory_pool(usual)
