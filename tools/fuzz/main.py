"""dev.py fuzz: random traffic of all kinds beside independent models, on every core.

The cases are played inside MicroPython, by tests/mpy/fuzz/main.py: a process a job, so that
nothing is warmed up when it begins. A difference ends everything: its shortest case is printed,
and how to play it again.
"""

import argparse
import os
import re
import subprocess
import sys
import time

from tools.env import ROOT, Trouble, micropython

FOLDER = ROOT / "tests" / "mpy"
_JOB_S = 10
_SPARE_S = 120  # a difference takes time to be made short
_SEEDS = 1000  # from one job of a kind to its next; no job plays as many cases
_COUNTS = re.compile(r"^(\d+) cases (\d+) checks$", re.MULTILINE)
_HEAP = "heapsize=32m"
REAL = "real"  # the kind of tools/fuzz/real.py


def kinds(port):
    """Return the names of all kinds."""
    return [*play(port, []).communicate()[0].split(), REAL]


def play(port, arguments):
    """Start cases in a MicroPython, or with one as a peer. Returns the process."""
    command = [port, "-X", _HEAP, str(FOLDER / "fuzz" / "main.py"), *arguments]
    if arguments and arguments[0] == REAL:
        _, seed, _, seconds, _ = arguments
        command = [sys.executable, "-m", "tools.fuzz.real", port, seed, seconds]
    return subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=ROOT,
        env={**os.environ, "MICROPYPATH": f"{ROOT}:{FOLDER}:.frozen"},
    )


class Job:
    """Cases of one kind, in a process of their own."""

    def __init__(self, port, kind, seed, seconds, most=0):
        self.port = port
        self.kind = kind
        self.seed = seed
        self._until = time.monotonic() + seconds + _SPARE_S
        most = most or (0 if seconds else 1)
        self.process = play(port, [kind, seed, 1, seconds, most])

    def result(self):
        """Return (cases, checks, text of a difference or None), or None while it runs."""
        if self.process.poll() is None:
            if time.monotonic() < self._until:
                return None
            self.process.kill()
        output = self.process.communicate()[0]
        counts = _COUNTS.search(output)
        cases, checks = (int(counts[1]), int(counts[2])) if counts else (0, 0)
        if self.process.returncode == 0:
            return cases, checks, None
        if self.process.returncode == 1 and counts:
            return cases, checks, output[counts.end() :].strip()
        return cases, checks, f"kind {self.kind} seed {self._culprit()}\n{output}{self._fate()}"

    def _fate(self):
        status = self.process.returncode
        return f"MicroPython ended with status {status}" if status >= 0 else f"signal {-status}"

    def _culprit(self):
        """Return the seed at which MicroPython dies or hangs, found by playing one at a time."""
        for seed in range(self.seed, self.seed + _SEEDS):
            process = play(self.port, [self.kind, seed, 1, 0, 1])
            try:
                process.communicate(timeout=_SPARE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                return seed
            if process.returncode not in (0, 1):
                return seed
        return f"{self.seed} or one of the next"

    def stop(self):
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Run:
    """Jobs of all kinds in turn, as many at a time as there are cores."""

    def __init__(self, port, names, seed, minutes):
        self._port = port
        self._names = names
        self._seed = seed
        self._begin = time.monotonic()
        self._seconds = minutes * 60
        self._started = 0
        self._totals = {name: [0, 0] for name in names}
        self._jobs = []

    def go(self):
        """Run until the time is over, at least one case a kind. Returns the exit status."""
        try:
            while self._more() or self._jobs:
                while self._more() and len(self._jobs) < (os.cpu_count() or 1):
                    self._start()
                time.sleep(0.05)
                if self._collect():
                    return 1
        finally:
            for job in self._jobs:
                job.stop()
        self._say_totals()
        return 0

    def _elapsed(self):
        return time.monotonic() - self._begin

    def _more(self):
        return self._started < len(self._names) or self._elapsed() < self._seconds

    def _start(self):
        turn, place = divmod(self._started, len(self._names))
        self._started += 1
        left = self._seconds - self._elapsed()
        # So that every kind has its turn within a short time, too.
        seconds = max(0, min(_JOB_S, left, self._seconds * os.cpu_count() / len(self._names)))
        name, seed = self._names[place], self._seed + turn * _SEEDS
        self._jobs.append(Job(self._port, name, seed, round(seconds, 1)))

    def _collect(self):
        """Look after the jobs. Returns whether one has found a difference."""
        for job in self._jobs[:]:
            result = job.result()
            if result is None:
                continue
            self._jobs.remove(job)
            cases, checks, difference = result
            total = self._totals[job.kind]
            total[0] += cases
            total[1] += checks
            self._say(job, cases, total)
            if difference:
                self._tell(difference, job)
                return True
        return False

    def _say(self, job, cases, total):
        minutes, seconds = divmod(int(self._elapsed()), 60)
        last = job.seed + max(cases, 1) - 1
        print(
            f"{minutes:3}:{seconds:02} {job.kind:16} seeds {job.seed}..{last}, in all"
            f" {total[0]} cases, {total[1]} checks",
            flush=True,
        )

    def _tell(self, difference, job):
        found = re.search(r"^kind \S+ seed (\d+)", difference, re.MULTILINE)
        seed = found[1] if found else job.seed
        print(f"\n{difference}\n")
        print(f"Again: python3 tools/dev.py fuzz --minutes 0 --only {job.kind} --seed {seed}")

    def _say_totals(self):
        cases = sum(total[0] for total in self._totals.values())
        checks = sum(total[1] for total in self._totals.values())
        print(f"No difference in {cases} cases, {checks} checks.")


def main(args):
    """Return the exit status: 0, or 1 if there was a difference."""
    parser = argparse.ArgumentParser(
        prog="dev.py fuzz",
        description="Play random traffic against umb and, beside it, independent models.",
    )
    parser.add_argument("--minutes", type=float, required=True, help="0: one case of every kind")
    parser.add_argument("--seed", type=int, help="of the first case; another one every time")
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="this kind; may be repeated"
    )
    options = parser.parse_args(args)
    port = micropython()
    names = kinds(port)
    for name in options.only or ():
        if name not in names:
            raise Trouble(f"no kind {name}; there are: {', '.join(names)}")
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000 * 1000
    print(f"seed {seed}", flush=True)
    sys.stdout.flush()
    return Run(port, options.only or names, seed, options.minutes).go()
