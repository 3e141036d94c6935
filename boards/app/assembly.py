"""What an Application is put together of."""

import sys

import umb
from umb.functions.diagnostics import Diagnostics
from umb.functions.identity import Identity, ServerId
from umb.store import Store

from .application import DeviceServer
from .control import Control
from .keeper import Keeper
from .parts import OPTIONAL, make
from .status import Status


def assemble(application, network, networked):
    """Make what an Application has, see there."""
    settings = application.settings
    state = application.state
    hardware = application.hardware
    compose = application.config.compose
    application.log = application.permits = trial = None
    if settings["log"] != "quiet":
        from .log import Log

        application.log = Log(application)
    role = make(settings["role"], application)
    application.parts.append(role)
    application.product = role.PRODUCT
    reset_cause = hardware.reset_cause()
    if networked:
        from .access import Access

        application.permits = Access(settings, state, reset_cause).permits
    if settings["previous"] and settings["rtu"]:
        from .trial import Trial

        trial = Trial(settings["previous"], compose, state, application.say)
    control = Control(settings, compose, state)
    application.status = status = Status(state, reset_cause, role.BANKS)
    application.server = application.handler = DeviceServer(
        state,
        Store(
            coils=role.coils,
            discrete_inputs=role.discrete_inputs,
            input_registers=role.input_registers + (status.block,),
            holding_registers=role.holding_registers + (control.block,),
        ),
        (settings["slave_id"],),
        functions_of(application),
        application.permits,
    )
    application.keeper = Keeper(
        state,
        role.make_safe,
        application.config.write,
        application.say,
        failsafe_s=settings["failsafe_s"],
        led=open_led(hardware, settings["led"], state.problems),
        feed_watchdog=start_watchdog(hardware, settings["watchdog_s"], state.problems),
        network=network,
        trial=trial,
    )
    for name in OPTIONAL:
        if settings.get(name) and networked:
            application.parts.append(make(name, application))
        elif settings.get(name):
            what = "{}: it needs a network, and there is none: see ssid and network"
            state.problems.append(what.format(name))


def functions_of(application):
    """Return what the device offers besides its store."""
    name = application.board.NAME
    objects = {
        0: "umb",
        1: name,
        2: umb.__version__,
        4: application.product,
        5: getattr(sys.implementation, "_machine", sys.platform),
    }
    if application.settings["name"]:
        objects[6] = application.settings["name"]
    server_id = ServerId("{} {} {}".format(application.product, name, umb.__version__))
    return (Identity(objects), server_id, Diagnostics())


def open_led(hardware, point, problems):
    """Return what switches the LED, None if there is none."""
    if not point:
        return None
    try:
        return hardware.output(point["pin"], point["invert"], 0)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("led: the pin {}: {}".format(point["pin"], error))
        return None


def start_watchdog(hardware, timeout_s, problems):
    """Return what feeds the watchdog, None if none is wanted or there is none."""
    if not timeout_s:
        return None
    try:
        return hardware.watchdog(timeout_s)
    except Exception as error:  # noqa: BLE001 - ports raise what they like
        problems.append("watchdog_s: {}".format(error))
        return None
