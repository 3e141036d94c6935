"""WiFi that comes and goes."""

from support.app import network, use

from app.network import WiFi

said = []


def make(**settings):
    use("RPI_PICO_W")
    said.clear()
    wanted = {"ssid": "net", "password": "secret", "hostname": "", "address": "", "tcp_port": 502}
    wanted.update({"netmask": "255.255.255.0", "gateway": ""})
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
