"""RTUServer amid random traffic: what must be answered is, once; nothing else ever is."""

from support import every_nth
from support.life import live


def test_lives():
    live(every_nth(range(1, 121), 2, 0))


def test_lives_where_any_is_0_or_1():
    live(every_nth(range(200, 230), 2, 0), any_="flag", irq=False)


def test_lives_through_an_adapter():
    live(every_nth(range(300, 330), 2, 0), lump=1000)
