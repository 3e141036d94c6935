"""One board of the fleet: fleet_board.py NUMBER PORT STEPS STEP_MS

Its points p0 to p9 have the value NUMBER * 1,000,000 + step. After the last step it prints the
bytes of its heap that are in use, and goes on serving.
"""

import gc
import sys

from umb.bridge import Bridge
from umb.bridge.mqtt import MQTT
from umb.points import Points, PointStore
from umb.serve import serve

_POINTS = 10
_NUMBER = 1_000_000

number, port, steps, step_ms = map(int, sys.argv[1:5])
names = ["p%d" % i for i in range(_POINTS)]
rows = []
for i in range(_POINTS):
    rows.append({"name": names[i], "address": 2 * i, "data_type": "uint32", "input_type": "input"})
store = PointStore(Points(rows))
left = list(range(steps, 0, -1))


def step():
    """Change every value; say if it is over."""
    if not left:
        return
    done = left.pop()
    for name in names:
        store[name] = number * _NUMBER + done
    if done == steps:
        gc.collect()
        print("heap", gc.mem_alloc())


step()
bridge = Bridge(store, MQTT("127.0.0.1", port=port), name="board-%d" % number)
serve(bridge, every=(step_ms, step))
