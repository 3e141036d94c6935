"""PageSettings: the file of settings, as the page reads and writes it."""

import asyncio

from ..state import THE_PAGE

_LOOK_MS = 50  # how often it is looked whether the Keeper has saved them


def _is_secret(key):
    """Return whether a setting is never sent to the page; what it does not send stays.

    Passwords are, and what trial.py keeps in the file.
    """
    return isinstance(key, str) and (key.endswith("password") or key == "previous")


class PageSettings:
    """What umb.panel.Panel asks of settings, for the file of an Application.

    check.py, which takes much memory, is loaded when somebody who has signed in looks at them.
    """

    def __init__(self, application):
        self._application = application

    def rules(self):
        """Return a dict for each setting that the file may have."""
        from ..check import rules_of

        return rules_of(self._application.board, self._application.settings)

    def load(self):
        """Return what is in the file, without passwords."""
        return _without_secrets(self._application.config.read() or {})

    def check(self, values):
        """Return sentences about what cannot be used."""
        from ..check import Checked

        from ..network.settings import is_wanted

        checked = Checked(self._with_secrets(values), self._application.board)
        problems = ["%s: %s" % problem for problem in checked.problems]
        if is_wanted(self._application.settings) and not is_wanted(checked.settings):
            problems.append("no network is left, and nobody would reach this page: ssid, network")
        return problems

    async def save(self, values):
        """Have the Keeper write the file anew, when nothing is on the line.

        Raises OSError, MemoryError or ValueError if that cannot be done.
        """
        state = self._application.state
        await self._wait()  # another client's are saved first
        compose = self._application.config.compose
        state.new_settings = compose(self._with_secrets(values), replace=True)
        state.changed(THE_PAGE)
        await self._wait()
        if state.save_problem:
            raise OSError(state.save_problem)

    async def _wait(self):
        while self._application.state.new_settings is not None:
            await asyncio.sleep_ms(_LOOK_MS)

    def restart(self):
        """Have the board restart when the answer has left."""
        self._application.state.restarting = True

    def _with_secrets(self, values):
        """Return settings complete with the passwords that are in the file already."""
        old = self._application.config.read() or {}
        complete = _with_secrets_of(old, values)
        for key, value in values.items():
            if key == "previous":
                continue
            there = old.get(key)
            if isinstance(there, dict) and isinstance(value, dict):
                complete[key] = _with_secrets_of(there, value)
        return complete


def _with_secrets_of(old, values):
    complete = dict(values)
    complete.pop("previous", None)  # of another board, whose file was uploaded
    for key in old:
        if _is_secret(key):
            complete.setdefault(key, old[key])
    return complete


def _without_secrets(values):
    kept = {}
    for key in values:
        value = values[key]
        if isinstance(value, dict):
            value = _without_secrets(value)
        if not _is_secret(key):
            kept[key] = value
    return kept
