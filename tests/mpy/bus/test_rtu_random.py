"""RTUServer amid random traffic: what must be answered is, once; nothing else ever is."""

from support.life import live


def test_lives_1_to_60():
    live(range(1, 61))


def test_lives_61_to_120():
    live(range(61, 121))


def test_lives_where_any_is_0_or_1():
    live(range(200, 230), any_="flag", irq=False)


def test_lives_through_an_adapter():
    live(range(300, 330), lump=1000)
