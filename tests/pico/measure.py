"""Print what an RTU slave built with `umb` costs on an emulated Pico, beside the goals.

From the checkout's root, with UMB_PICO_UF2 set: python -m tests.pico.measure --help
"""

import argparse

from tests.pico.cases import CASES, PHASE_NS, READ_10
from tools.emulator.firmware import find_firmware, why_not
from tools.emulator.master import efficiency
from tools.emulator.wire import Format


def spread(values):
    """Least and greatest, as text."""
    return f"{min(values):8.1f} {max(values):8.1f}"


def measure_timing(master, cases, phases):
    """Print when the reply begins and what the direction pin does, in microseconds."""
    for case in cases:
        exchanges = []
        for phase in range(phases):
            exchange = master.ask(case.request, master.line.free_ns + phase * PHASE_NS)
            if exchange.reply != case.reply:
                print(f"  {case.name:10} wrong reply: {exchange.reply.hex()}")
                break
            exchanges.append(exchange)
        else:
            late = spread([exchange.late_us for exchange in exchanges])
            lead = spread([exchange.lead_us for exchange in exchanges])
            release = spread([exchange.release_us for exchange in exchanges])
            print(f"  {case.name:10} late {late}   lead {lead}   release {release}")


def measure(arguments):
    """Measure what the arguments ask for and print it."""
    from tests.pico import slave  # noqa: PLC0415 - only where the emulator is installed

    cases = [case for case in CASES if arguments.request in case.name]
    pico = slave.boot(find_firmware(), slave.flash_files())
    ram = slave.ram(pico)
    print(f"RAM: import {ram.imported} bytes, a slave with four areas {ram.made},")
    print(f"  after one of every standard request {ram.used} (goal 12288), {ram.names} names")
    for baudrate in arguments.baud:
        form = Format(baudrate)
        master = slave.start_alone(pico, form, program=arguments.program)
        print(f"{form}: microseconds, least and greatest")
        measure_timing(master, cases, arguments.phases)
        if arguments.count:
            requests = [READ_10.request] * arguments.count
            exchanges, heap, idle = slave.heap_bytes(pico, form, requests)
            print(f"  efficiency {efficiency(exchanges, form):.4f} over {arguments.count}")
            print(f"  heap bytes: {heap} for all of them, {idle} while idle")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.pico.measure", description=__doc__)
    parser.add_argument("--baud", type=int, nargs="+", default=[9600, 19200, 115200])
    parser.add_argument("--count", type=int, default=50, help="requests for the efficiency, or 0")
    parser.add_argument("--phases", type=int, default=4, help="times that each request is asked")
    parser.add_argument("--request", default="", help="only those with this in their name")
    parser.add_argument(
        "--program", default="serve", help="function of onboard/slaves.py: serve, sleep, ..."
    )
    arguments = parser.parse_args()
    reason = why_not()
    if reason:
        raise SystemExit(reason)
    measure(arguments)


if __name__ == "__main__":
    main()
