"""Trial: new settings of the serial line hold only if a request comes over it in time.

Else nobody could reach a board whose settings were changed wrongly. Loaded while there are some.
"""

from micropython import const

_S = const(60)


class Trial:
    """Waits for a request that was carried out over the serial line.

    previous   the settings to return to, a dict
    compose    see config.py
    """

    def __init__(self, previous, compose, state, say):
        self._previous = previous
        self._compose = compose
        self._state = state
        self._say = say
        self._left_s = _S

    def tick(self):
        """Decide, if it is time; to be called once a second. Returns whether that is done.

        Then `new_settings` of the state are to be written.
        """
        state = self._state
        if state.new_settings is not None or state.restarting:
            return False
        if state.was_heard:
            self._say("the new settings of the serial line are confirmed")
            changes = {}
        else:
            self._left_s -= 1
            if self._left_s > 0:
                return False
            self._say("nobody has asked over the serial line: its old settings return")
            changes = dict(self._previous)
            state.restarting = True
        changes["previous"] = None  # the key of the file that has these
        try:
            state.new_settings = self._compose(changes)
        except Exception as error:  # noqa: BLE001 - whatever it is, the device goes on
            state.restarting = False
            self._say("the settings cannot be written: {}".format(error))
        return True
