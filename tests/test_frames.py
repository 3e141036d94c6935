"""What runs because of interrupts, or of frames, keeps the frames of its functions off the heap.

MicroPython puts a frame of more than 11 words on the heap, unless that is locked. Hard handlers
and what Idle.after() calls run with the heap locked; what may run in soft ones is looked at here,
and what sends and receives, or takes the values of a reply.
"""

import re
import subprocess

import pytest

from tools.env import ROOT

_MOST_WORDS = 11
_EXCEPTION_WORDS = 3  # what a block that catches exceptions adds
_CODE = re.compile(
    r"File (\S+), code block '(\w+)'.*?\(N_STATE (\d+)\)\n\(N_EXC_STACK (\d+)\)", re.DOTALL
)
# What the program calls, and what runs with the heap locked.
_OTHERS = {
    "umb/port/line.py": {"__init__", "_open", "_pin", "register"},
    "umb/poller/mirror.py": {"__init__"},
    "umb/poller/values.py": {"__init__", "encode"},
    "umb/server/background.py": {"Background", "__init__", "stop", "due", "_begin", "_send"},
    "umb/port/idle.py": {
        *(
            "Idle",
            "BufferedUART",
            "__init__",
            "stop",
            "silent_us",
            "_virtual_timer",
            "_on_silence",
            "start_timer",
        ),
    },
}


def frames(micropython, file):
    """{function: words of its frame} of a file."""
    command = [micropython, "-v", "-v", "-X", "compile-only", file]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = {}
    for _, name, words, blocks in _CODE.findall(done.stdout + done.stderr):
        found[name] = max(int(words) + _EXCEPTION_WORDS * int(blocks), found.get(name, 0))
    return found


@pytest.mark.parametrize("file", _OTHERS)
def test_frames_stay_off_the_heap(micropython, file):
    found = frames(micropython, file)
    assert _OTHERS[file] <= found.keys()
    checked = {name: words for name, words in found.items() if name not in _OTHERS[file]}
    assert len(checked) > 3
    assert {name: words for name, words in checked.items() if words > _MOST_WORDS} == {}
