"""asyncio by the clock of support.uart: sleeping takes no time, and every run is the same.

Import this before anything of umb, and before asyncio, whose core in C it stands in for: that one
looks at the real clock.
"""

import sys

from support.uart import clock  # comes first: it stands in for the module time

_STEP_NS = 20_000  # what the loop itself takes from one task to the next
_END_NS = 1000 * 1_000_000_000  # no test takes that long, by this clock


class TaskQueue:
    """Tasks by the time they are due at; first come, first served at the same time."""

    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, due_ms=None):
        task.data = None
        task.ph_key = clock.ticks_ms() if due_ms is None else due_ms
        at = len(self._tasks)
        while at and clock.ticks_diff(self._tasks[at - 1].ph_key, task.ph_key) > 0:
            at -= 1
        self._tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    """What asyncio's core expects of a task.

    state  True while it runs and nobody waits for it, then the queue of those who wait; None or
           False when it is over
    data   what it waits for, or what it has ended in
    """

    def __init__(self, coro, _globals=None):
        self.coro = coro
        self.data = None
        self.state = True
        self.ph_key = 0

    def __iter__(self):
        if not self.state:
            self.state = False
        elif self.state is True:
            self.state = TaskQueue()
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(core.cur_task)
        core.cur_task.data = self

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        assert self is not core.cur_task, "a task cannot cancel itself"
        if isinstance(self.data, Task):
            return self.data.cancel()
        if self.data is not None:  # waits in somebody's queue
            self.data.remove(self)
        else:
            core._task_queue.remove(self)
        core._task_queue.push(self)
        self.data = core.CancelledError()
        return True


class _Module:
    """Stands for the module _asyncio."""


class _Sleeper:
    """Stands for the poller that the loop sleeps with."""

    def ipoll(self, duration_ms):
        assert duration_ms >= 0 and clock.now_ns < _END_NS, "what it waits for never happens"
        clock.now_ns += duration_ms * 1_000_000 + _STEP_NS
        return ()


assert "asyncio" not in sys.modules, "asyncio is too early"
_module = _Module()
_module.Task, _module.TaskQueue = Task, TaskQueue
sys.modules["_asyncio"] = _module

import asyncio  # noqa: E402 - it has to find these
from asyncio import core  # noqa: E402


def run(main):
    """Run a coroutine in a new loop; return what it returns."""
    asyncio.new_event_loop()
    core._io_queue.poller = _Sleeper()
    return asyncio.run(main)


async def hog(step_us):
    """Be a task that keeps the processor for step_us, again and again."""
    while True:
        clock.now_ns += step_us * 1000
        await asyncio.sleep_ms(0)
