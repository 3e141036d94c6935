"""Proof that work(subject) allocates nothing: with the heap locked, and counted.

Both are needed: C code that raises under a locked heap goes unseen, and a count alone does not
tell where it happened.
"""

import gc

import micropython


def locked(work, subject):
    """Call work(subject) with the heap locked: MemoryError where it allocates."""
    micropython.heap_lock()
    try:
        work(subject)
    finally:
        micropython.heap_unlock()


def allocated(work, subject):
    """How many bytes of the heap work(subject) takes, garbage included."""
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work(subject)
    after = gc.mem_alloc()
    gc.enable()
    return after - before


def kept(work, subject):
    """How many bytes of the heap are in use after work(subject) that were not before."""
    gc.collect()
    before = gc.mem_alloc()
    work(subject)
    gc.collect()
    return gc.mem_alloc() - before


def free_of_heap(what, work, subject):
    """Call work(subject) both ways, once more before to let everything find its place.

    It counts in subject.faults what it could not do.
    """
    work(subject)
    assert not subject.faults, "{}: it does not work at all".format(what)
    locked(work, subject)
    assert not subject.faults, "{}: it does not work with the heap locked".format(what)
    n = allocated(work, subject)
    assert n == 0, "{}: {} bytes".format(what, n)


def fill_heap():
    """Everything that is left of the heap, in a chain of its smallest pieces."""
    gc.collect()
    chain = None
    try:
        while True:
            chain = [chain]
    except MemoryError:
        return chain
