"""Part: the points of an Application at an MQTT broker, over umb.bridge."""

import asyncio

from micropython import const

_DAY_S = const(86_400)
_AGAIN_S = const(15)  # so often it is looked whether there is a network


class Part:
    """Publishes what the role has: the devices of a poller, or the pins of remote I/O."""

    def __init__(self, application):
        self._application = application
        self._settings = application.settings["mqtt"]

    def open(self):
        """Make a Bridge. What keeps it from being made is a problem, and no more."""
        application = self._application
        try:
            application.drivers.append(self._bridge())
        except ImportError:
            self._report("the library chumicro_mqtt is not installed")
        except (OSError, ValueError) as error:
            self._report(str(error))

    def _report(self, text):
        self._application.state.problems.append("mqtt: " + text)

    def _bridge(self):
        """Return the Bridge. Raises ImportError, OSError, ValueError."""
        from umb.bridge import Bridge
        from umb.bridge.mqtt import MQTT

        application = self._application
        settings = self._settings
        mqtt = MQTT(
            settings["host"],
            port=settings["port"] or None,
            user=settings["user"] or None,
            password=settings["password"] or None,
            tls=settings["tls"] or None,
            network=lambda: not application.state.network_down,
        )
        discovery = None
        if settings["discovery"]:
            from umb.bridge.discovery import Discovery

            discovery = Discovery(settings["discovery"])
        source, devices = self._source()
        period_s = settings["period_s"]
        return Bridge(
            source,
            mqtt,
            name=settings["name"] or self._own_name(),
            devices=devices,
            interval_ms=settings["interval_ms"],
            period_ms=period_s * 1000 if period_s else None,
            json=settings["json"],
            discovery=discovery,
            read_only=application.settings["read_only"],
            on_error=application.say,
        )

    def _own_name(self):
        """Return what the device is called in topics if its settings do not say it."""
        from umb.bridge.topics import level

        settings = self._application.settings
        return level(settings["name"] or "umb-%d" % settings["slave_id"])

    def _source(self):
        """Return what has the points, and its devices by their names. Raises ValueError."""
        application = self._application
        role = application.settings["role"]
        if role == "poller":
            part = application.parts[0]
            return part.pollers, part.devices
        if role == "io":
            from .pins import Pins

            pins = Pins(application)
            return pins, {"io": pins}
        raise ValueError("a %s has no points" % role)

    async def run(self):
        """Set the board's clock, and again each day, if there is a time server."""
        if not self._settings["ntp"]:
            return
        from .ntp import ask, wait_s

        application = self._application
        attempts = 0  # in vain
        while True:
            sleep_s = _AGAIN_S
            if not application.state.network_down:
                try:
                    application.hardware.set_clock(await ask(self._settings["ntp"]))
                    sleep_s = _DAY_S
                    attempts = 0
                except OSError:  # it may answer later
                    attempts += 1
                    sleep_s = wait_s(attempts)
            await asyncio.sleep(sleep_s)
