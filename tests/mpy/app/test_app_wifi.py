"""WiFi that comes and goes."""

from support.app import network, use

from app.network.wifi import WiFi

said = []
SETTINGS = {"ssid": "net", "password": "secret", "hostname": "", "address": "", "tcp_port": 502}
SETTINGS.update({"netmask": "255.255.255.0", "gateway": "", "ap_password": ""})


def make(**settings):
    use("RPI_PICO_W")
    said.clear()
    wanted = dict(SETTINGS)
    wanted.update(settings)
    wifi = WiFi(wanted, said.append)
    return wifi, network.wlan


def attempts(wlan):
    return sum(isinstance(call, tuple) for call in wlan.calls)


def tick(wifi, times):
    for _ in range(times):
        wifi.tick()


def test_it_tells_its_address_once():
    wifi, wlan = make()
    tick(wifi, 3)
    assert (wifi.address, said) == ("", [])
    wlan.address = "10.0.0.5"
    tick(wifi, 5)
    assert wifi.address == "10.0.0.5"
    assert said == ["WiFi is up: Modbus TCP on 10.0.0.5:502"]
    wlan.address = "10.0.0.6"  # another lease
    tick(wifi, 1)
    assert said[-1] == "WiFi is up: Modbus TCP on 10.0.0.6:502"


def test_it_goes_and_comes():
    wifi, wlan = make()
    wlan.address = "10.0.0.5"
    tick(wifi, 2)
    wlan.address = None
    tick(wifi, 1)
    assert (wifi.address, said[-1]) == ("", "WiFi is down")
    assert attempts(wlan) == 1
    tick(wifi, 18)
    assert attempts(wlan) == 1
    tick(wifi, 1)
    assert attempts(wlan) == 2
    assert wlan.calls[-2:] == ["disconnect", ("net", "secret")]
    tick(wifi, 40)
    assert attempts(wlan) == 4
    wlan.address = "10.0.0.5"
    tick(wifi, 1)
    assert wifi.address == "10.0.0.5"


def test_it_says_why_it_is_not_connected():
    wifi, wlan = make()
    wanted = 'WiFi: still looking for "net"'
    reasons = {1: "", -2: ": it is not in reach", -3: ": it refuses the password"}
    for state, reason in reasons.items():
        wlan.state = state
        tick(wifi, 20)
        assert said[-1] == wanted + reason


def test_a_radio_that_refuses_does_not_stop_it():
    wifi, wlan = make()
    wlan.busy = True
    tick(wifi, 20)
    assert attempts(wlan) == 2
    assert said[-1] == "WiFi: WiFi Internal Error"
    wlan.busy = False
    wlan.address = "10.0.0.5"
    tick(wifi, 1)
    assert said[-1] == "WiFi is up: Modbus TCP on 10.0.0.5:502"


def test_names_and_fixed_addresses():
    _, wlan = make(hostname="pump", address="192.168.1.9", gateway="192.168.1.1")
    assert network.name == "pump"
    assert wlan.fixed == ("192.168.1.9", "255.255.255.0", "192.168.1.1", "192.168.1.1")
    _, wlan = make(password="")
    assert wlan.fixed is None
    assert wlan.calls[-1] == ("net", None)


# An access point of its own.


def test_without_the_setting_there_is_none():
    wifi, _ = make()
    tick(wifi, 3000)
    assert not network.own.is_active and not network.own.calls


def test_its_own_network_after_ten_minutes():
    wifi, wlan = make(ap_password="12345678", ssid="x" * 32)
    own = network.own
    tick(wifi, 599)
    assert not own.is_active
    tick(wifi, 1)
    assert own.is_active
    assert own.options == {"ssid": "umb-a10bc2", "key": "12345678", "security": 4}
    assert (wifi.address, wifi.is_up) == ("192.168.4.1", False)
    assert said[-1].startswith(
        'WiFi of its own, "umb-a10bc2", is up: Modbus TCP on 192.168.4.1:502'
    )
    before = attempts(wlan)
    tick(wifi, 600)
    assert attempts(wlan) == before + 10  # it looks for the other one less often
    wlan.address = "10.0.0.5"
    tick(wifi, 1)
    assert not own.is_active
    assert (wifi.address, wifi.is_up) == ("10.0.0.5", True)
    assert said[-2:] == ["WiFi is up: Modbus TCP on 10.0.0.5:502", "WiFi of its own has ended"]
    wlan.address = None
    tick(wifi, 599)
    assert (wifi.address, own.is_active) == ("", False)
    tick(wifi, 1)
    assert own.is_active


def test_short_absences_do_not_add_up():
    wifi, wlan = make(ap_password="12345678")
    for _ in range(5):
        wlan.address = None
        tick(wifi, 590)
        wlan.address = "10.0.0.5"
        tick(wifi, 1)
    assert network.own.calls == []


def test_its_own_network_has_the_name_of_the_board():
    wifi, _ = make(ap_password="12345678", hostname="pump")
    tick(wifi, 600)
    assert network.own.options["ssid"] == "pump"


def test_a_radio_that_cannot_be_an_access_point():
    """It is told, the board looks on for its network, and tries again ten minutes later."""
    for refused in ("active", "config"):
        wifi, wlan = make(ap_password="12345678")
        own = network.own
        own.refuses = (refused,)
        tick(wifi, 605)
        assert (wifi.address, own.is_active) == ("", False)
        assert sum("WiFi of its own: " in text for text in said) == 1
        assert attempts(wlan) == 31
        own.refuses = ()
        tick(wifi, 594)
        assert not own.is_active
        tick(wifi, 1)
        assert own.is_active


def test_an_access_point_that_is_configured_when_it_is_active():
    wifi, _ = make(ap_password="12345678")
    network.own.refuses = ("idle",)
    tick(wifi, 600)
    assert network.own.is_active and network.own.options["key"] == "12345678"


def test_an_access_point_that_was_left_over_ends():
    use("RPI_PICO_W")
    network.WLAN(network.AP_IF).active(True)
    left = network.own
    WiFi(dict(SETTINGS), said.append)
    assert not left.is_active
