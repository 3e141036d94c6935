"""A board on the MicroPython unix port whose store is published: run by tests, see test_bridge.py.

Its only argument is a JSON object: the keywords of umb.bridge.mqtt.MQTT under "mqtt", those of
Bridge under "bridge", and under "client" "umqtt.SimpleMQTT" for that one. It counts up the point
"count" every `step_ms`, prints errors, and at the end, after "end" on stdin, what it was like.
"""

import gc
import json
import select
import sys
from time import ticks_diff, ticks_ms, ticks_us

from umb.bridge import Bridge
from umb.bridge.discovery import Discovery
from umb.points import Points, PointStore

_POINTS = [
    {"name": "count", "address": 0, "data_type": "uint32", "input_type": "input"},
    {"name": "log", "address": 2, "data_type": "uint32", "input_type": "input", "history": True},
    {"name": "setpoint", "address": 0, "writable": True, "max_value": 30},
    {"name": "relay", "address": 3, "input_type": "coil", "writable": True},
]


def main(options):
    """Run until stdin ends."""
    store = PointStore(Points(_POINTS), on_change=lambda name, value: print(name, "=", value))
    kind = options.get("client", "mqtt.MQTT").split(".")
    mqtt = getattr(__import__("umb.bridge." + kind[0], None, None, (kind[1],)), kind[1])(
        **options["mqtt"]
    )
    if options["bridge"].pop("discovery", False):
        options["bridge"]["discovery"] = Discovery()
    bridge = Bridge(store, mqtt, on_error=lambda text: print("error:", text), **options["bridge"])
    step_ms = options.get("step_ms", 100)
    poller = select.poll()
    poller.register(sys.stdin, select.POLLIN)
    bridge.watch(poller)
    counted_ms = ticks_ms()
    worst_us = 0
    sessions = 0
    while True:
        if ticks_diff(ticks_ms(), counted_ms) >= step_ms:
            counted_ms = ticks_ms()
            store["count"] += 1
            store["log"] += 1
        began_us = ticks_us()
        bridge.poll()
        worst_us = max(worst_us, ticks_diff(ticks_us(), began_us))
        if mqtt.sessions != sessions:
            sessions = mqtt.sessions
            print("session", sessions)
        for one, _ in poller.ipoll(min(bridge.nap_ms(), 10)):
            if one is sys.stdin:
                words = sys.stdin.readline().split()
                if not words or words[0] == "end":
                    gc.collect()
                    print("worst", worst_us // 1000, "ms, count", store["count"])
                    bridge.server_close()
                    return
                store[words[0]] = int(words[1])


main(json.loads(sys.argv[1]))
