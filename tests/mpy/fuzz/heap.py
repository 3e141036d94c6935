"""The heap, locked while umb works, and open again while what stands for the world does."""

from micropython import heap_lock, heap_unlock


class Heap:
    """`with heap:` locks it if it is to be locked; `with heap.opened:` opens it inside of that."""

    def __init__(self):
        self.wanted = False
        self.locked = False
        self.opened = _Opened(self)

    def __enter__(self):
        if self.wanted:
            self.locked = True
            heap_lock()

    def __exit__(self, a, b, c):
        if self.locked:
            heap_unlock()
            self.locked = False


class _Opened:
    def __init__(self, heap):
        self._heap = heap

    def __enter__(self):
        if self._heap.locked:
            heap_unlock()

    def __exit__(self, a, b, c):
        if self._heap.locked:
            heap_lock()


heap = Heap()
