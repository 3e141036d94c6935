"""The page in a browser: every view, changes, signing in, a lost connection, a phone, axe-core."""

import json
import re

import pytest
from pymodbus.client import ModbusTcpClient

from tests.panel.conftest import Board
from tests.support.web import PASSWORD

axe = pytest.importorskip("axe_playwright_python.sync_playwright")

VIEWS = ("Overview", "Points", "Registers", "Buses", "Gateway", "Settings")


class Page:
    """The page of a Board, open in a browser."""

    def __init__(self, browser, board, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.board = board
        self.errors = []
        self.requested = set()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self.requested.add(request.url))
        self.page.goto(board.url)
        self.page.wait_for_selector("#link.good")

    def _note(self, message):
        # Chromium itself reports every response with an error status.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def show(self, view):
        """Open a view."""
        self.page.click(f"nav >> text={view}")
        self.page.wait_for_selector(f"#{view.lower()}:not([hidden])")

    def sign_in(self, password=PASSWORD):
        """Sign in."""
        self.page.click("#sign")
        self.page.fill("#password", password)
        self.page.click("#login-form .main")

    def wait_until_signed_in(self):
        """Wait until the page shows that it has a session."""
        has_text(self.page.locator("#sign"), "Sign out")

    def row(self, name):
        """Return the row of a point."""
        return self.page.locator(".point", has=self.page.get_by_text(name, exact=True))

    def close(self):
        """Close it. There must have been no error in it."""
        self.context.close()
        assert self.errors == []


@pytest.fixture
def page(browser, board):
    """A Page without a session."""
    one = Page(browser, board)
    yield one
    one.close()


def has_text(locator, text):
    """Wait until an element has a text."""
    locator.filter(has_text=re.compile(text)).wait_for(timeout=10_000)


def test_overview(page):
    assert page.page.title() == "Demo"
    has_text(page.page.locator("#about"), "Board.*unix")
    has_text(page.page.locator("#health"), "UART 1, 19200 baud.*ok")
    has_text(page.page.locator("#values"), "voltage.*230.0 V")


def test_values_change_without_asking(page):
    page.show("Points")
    value = page.row("count").locator(".value")
    first = value.inner_text()
    page.page.wait_for_function(
        "first => ![...document.querySelectorAll('.point .value')]"
        ".some(e => e.innerText === first)",
        arg=first,
        timeout=10_000,
    )
    assert not [url for url in page.requested if url.endswith("/pdu")]


def test_an_output_is_switched_and_seen_on_the_bus(page):
    page.show("Points")
    switch = page.page.get_by_role("switch", name="relay")
    assert switch.is_disabled()
    page.sign_in()
    page.page.wait_for_selector("[aria-label=relay]:enabled")
    with ModbusTcpClient("127.0.0.1", port=page.board.modbus) as client:
        for state in ("true", "false"):
            switch.click()
            page.page.wait_for_selector(f"[aria-label=relay][aria-checked={state}]")
            assert client.read_coils(3, count=1, device_id=1).bits[0] is (state == "true")
        client.write_coil(3, True, device_id=1)
        page.page.wait_for_selector("[aria-label=relay][aria-checked=true]")
        client.write_coil(3, False, device_id=1)


def test_a_number_is_set_and_a_wrong_one_is_not(page):
    page.sign_in()
    page.show("Points")
    row = page.row("setpoint")
    row.locator("input:enabled").fill("21.5")
    row.get_by_role("button", name="Set setpoint", exact=True).click()
    has_text(row.locator(".value"), "21.5")
    with ModbusTcpClient("127.0.0.1", port=page.board.modbus) as client:
        assert client.read_holding_registers(10, count=1, device_id=1).registers == [43]
    text = page.row("label")
    text.locator("input").fill("far too long for eight registers")
    text.get_by_role("button", name="Set label", exact=True).click()
    page.page.wait_for_selector("#message:not([hidden])")
    assert "label" in page.page.inner_text("#message")
    has_text(text.locator(".value"), "Pump 3")


def test_plot(page):
    page.show("Points")
    page.page.get_by_role("button", name="Plot of count").click()
    has_text(page.page.locator("#plot-body"), "lowest .*highest")
    assert page.page.locator("#plot-body path").get_attribute("d").startswith("M")
    page.page.click("#plot-close")


DECODED = (
    ("uint16", "0", [65535, 1], ["65535", "1"]),
    ("int16", "0", [65535, 1], ["-1", "1"]),
    ("hex", "0", [0xBEEF, 1], ["BEEF", "0001"]),
    ("uint16", "2", [0x1234, 0], ["13330", "0"]),
    ("uint32", "0", [1, 2], ["65538"]),
    ("int32", "1", [0xFFFE, 0xFFFF], ["-2"]),
    ("float32", "0", [0x3FC0, 0], ["1.5"]),
    ("float32", "3", [0x0000, 0xC03F], ["1.5"]),
)


def test_registers_are_read_and_written_as(page):
    page.sign_in()
    page.wait_until_signed_in()
    page.show("Registers")
    for selector, value in (("#unit", "1"), ("#address", "11"), ("#quantity", "2")):
        page.page.fill(selector, value)
    with ModbusTcpClient("127.0.0.1", port=page.board.modbus) as client:
        for kind, order, registers, shown in DECODED:
            client.write_registers(11, registers, device_id=1)
            page.page.select_option("#type", kind)
            page.page.select_option("#order", order)
            with page.page.expect_response("**/pdu"):
                page.page.click("#ask .main")
            cells = page.page.locator("#cells input")
            assert [cells.nth(i).input_value() for i in range(cells.count())] == shown, kind
            if len(shown) == 1:
                client.write_registers(11, [0, 0], device_id=1)
                cells.fill(shown[0])
                with page.page.expect_response("**/pdu"):
                    page.page.click("#cells button")
                got = client.read_holding_registers(11, count=2, device_id=1).registers
                assert got == registers, kind


def test_the_view_of_registers_begins_with_a_slave_that_is_there(page):
    page.show("Registers")
    assert page.page.input_value("#unit") == "1"
    page.page.fill("#unit", "9")
    page.page.wait_for_timeout(4000)  # it is filled in once
    assert page.page.input_value("#unit") == "9"


def test_what_the_view_of_registers_begins_with_can_be_read(page):
    page.show("Registers")
    shown = []
    for area in "3412":
        page.page.select_option("#area", area)
        with page.page.expect_response("**/pdu"):
            page.page.click("#ask .main")
        page.page.wait_for_selector("#cells:not([hidden])")
        cells = page.page.locator("#cells tbody tr")
        shown.append((page.page.input_value("#address"), cells.count()))
        assert page.page.locator("#message").is_hidden()
    assert shown == [("10", 4), ("0", 4), ("3", 1), ("3", 1)]
    page.page.fill("#unit", "9")  # of which nothing is known
    assert (page.page.input_value("#address"), page.page.input_value("#quantity")) == ("0", "1")
    page.page.fill("#address", "5")  # somebody has chosen now
    page.page.select_option("#area", "3")
    page.page.fill("#unit", "1")
    assert (page.page.input_value("#address"), page.page.input_value("#quantity")) == ("5", "1")


@pytest.mark.parametrize("kind", ["uint32", "int32", "float32"])
def test_no_half_of_a_value_is_left_out(page, kind):
    page.show("Registers")
    page.page.fill("#unit", "1")
    page.page.fill("#address", "20")
    page.page.select_option("#type", kind)
    page.page.fill("#quantity", "8")
    page.page.click("#ask .main")
    page.page.wait_for_selector("#cells:not([hidden])")
    page.page.fill("#quantity", "7")
    page.page.click("#ask .main")
    has_text(
        page.page.locator("#message"),
        f"{kind} takes two registers: the quantity must be even, not 7",
    )
    assert page.page.locator("#cells").is_hidden()


WRONG_VALUES = (
    ("uint16", ("1.5", "-1", "65536", "x", ""), "takes whole numbers from 0 to 65535"),
    ("int16", ("1.5", "-32769", "32768", "0x"), "takes whole numbers from -32768 to 32767"),
    ("hex", ("1.5", "10000", "12zz", "-1"), "takes hexadecimal digits from 0 to FFFF"),
    ("uint32", ("1.5", "4294967296"), "takes whole numbers from 0 to 4294967295"),
    ("int32", ("-2147483649",), "takes whole numbers from -2147483648 to 2147483647"),
    ("float32", ("x", "1e39", ""), "takes numbers"),
)


def test_what_cannot_be_written_is_told_with_what_can(page):
    page.sign_in()
    page.wait_until_signed_in()
    page.show("Registers")
    for selector, value in (("#unit", "1"), ("#address", "11"), ("#quantity", "2")):
        page.page.fill(selector, value)
    for kind, texts, wanted in WRONG_VALUES:
        page.page.select_option("#type", kind)
        with page.page.expect_response("**/pdu"):
            page.page.click("#ask .main")
        for text in texts:
            cell = page.page.locator("#cells input").first
            cell.fill(text)
            page.page.locator("#cells button").first.click()
            has_text(page.page.locator("#message"), f'^{kind} {wanted}, not "{text}"$')


def test_all_tabs_are_seen_on_a_phone(browser, board):
    page = Page(browser, board, viewport={"width": 360, "height": 740})
    for view in VIEWS:
        page.show(view)
        for name in VIEWS:
            box = page.page.locator(f"nav >> text={name}").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 360, name
    page.close()


def test_text_in_registers_is_read_and_written(page):
    page.sign_in()
    page.wait_until_signed_in()
    page.show("Registers")
    page.page.fill("#address", "20")
    page.page.fill("#quantity", "8")
    page.page.select_option("#type", "text")
    with ModbusTcpClient("127.0.0.1", port=page.board.modbus) as client:
        for order, registers, text in (
            ("0", [0x5075, 0x6D70, 0x2032], "Pump 2"),
            ("2", [0x7550, 0x706D, 0x3220], "Pump 2"),
            ("0", [0xC3A9, 0x6100], "éa"),
        ):
            client.write_registers(20, registers + [0] * (8 - len(registers)), device_id=1)
            page.page.select_option("#order", order)
            with page.page.expect_response("**/pdu"):
                page.page.click("#ask .main")
            cell = page.page.get_by_label("Register 20", exact=True)
            page.page.wait_for_function(
                "text => document.querySelector('#cells input').value === text", arg=text
            )
            client.write_registers(20, [0x7878] * 8, device_id=1)
            cell.fill(text)
            with page.page.expect_response("**/pdu"):
                page.page.get_by_role("button", name="Write register 20", exact=True).click()
            got = client.read_holding_registers(20, count=8, device_id=1).registers
            assert got == registers + [0] * (8 - len(registers)), text
    page.page.get_by_label("Register 20", exact=True).fill("seventeen letters")
    page.page.click("#cells button")
    has_text(page.page.locator("#message"), "17 bytes, and there are 16")


def test_nothing_is_written_to_what_was_read_before(page):
    """The values go when the form names something else, or that cannot be read."""
    page.sign_in()
    page.wait_until_signed_in()
    page.show("Registers")
    cells = page.page.locator("#cells")
    for selector, value, other in (
        ("#unit", "1", "9"),
        ("#address", "11", "12"),
        ("#quantity", "2", "1"),
    ):
        page.page.fill("#unit", "1")
        page.page.fill("#address", "11")
        page.page.fill("#quantity", "2")
        page.page.click("#ask .main")
        cells.wait_for(state="visible")
        page.page.fill(selector, other)
        cells.wait_for(state="hidden")
        page.page.fill(selector, value)
        assert cells.is_hidden()
    page.page.click("#ask .main")
    cells.wait_for(state="visible")
    page.page.fill("#unit", "9")
    page.page.click("#ask .main")
    page.page.wait_for_selector("#message:not([hidden])")
    assert cells.is_hidden()


def test_what_a_register_cannot_be(page):
    page.show("Registers")
    page.page.fill("#unit", "1")
    page.page.fill("#address", "99")
    page.page.click("#ask .main")
    page.page.wait_for_selector("#message:not([hidden])")
    assert "illegal data address (exception 2)" in page.page.inner_text("#message")


def test_wrong_password(browser, micropython):
    board = Board(micropython)
    page = Page(browser, board)
    try:
        page.sign_in("wrong horse")
        has_text(page.page.locator("#login-problem"), "password is wrong")
        assert page.page.locator("#login").is_visible()
        page.page.click("#login-cancel")
        page.show("Settings")
        assert page.page.locator("#locked").is_visible()
    finally:
        page.close()
        board.end()


def lines_of(page, heading):
    """Return the texts of the cells of the table below a heading, as lists."""
    cells = """heading => [...document.querySelectorAll('section:not([hidden]) h3')]
        .find(one => one.innerText.startsWith(heading)).nextElementSibling
        .querySelectorAll('tr')"""
    rows = (
        f"heading => [...({cells})(heading)].map(row => [...row.children].map(c => c.innerText))"
    )
    return page.page.evaluate(rows, heading)


def test_buses(page):
    page.show("Buses")
    has_text(page.page.locator("#bus-list"), "19200 baud, 8E1")
    has_text(page.page.locator("#bus-list"), "Last errors")
    slaves = lines_of(page, "Slaves")
    assert slaves[0][-2:] == ["Last ms", "Longest ms"]
    assert slaves[1][:3] == ["7", "meter", "online"] and slaves[1][-2:] == ["17", "341"]
    assert slaves[2][:3] == ["8", "meter", "offline"] and slaves[2][-2:] == ["", ""]
    assert lines_of(page, "Last errors") == [
        ["When", "Who", "Request", "What", "Times"],
        ["3 min ago", "slave 8", "FC 3 at 0 x 2", "no answer", ""],
        ["5 s ago", "slave 7", "FC 4 at 99", "illegal data address (exception 2)", "3"],
        ["", "", "", "made up", ""],
        ["", "", "", "a text alone", ""],
    ]


def test_gateway(page):
    page.show("Gateway")
    has_text(page.page.locator("#gateway-list"), "127.0.0.1")
    has_text(page.page.locator("#gateway-list"), "Requests that wait: 2")
    slaves = lines_of(page, "Slaves behind it")
    assert slaves[0][:3] == ["Id", "Bus", "State"]
    assert [line[:3] for line in slaves[1:]] == [
        ["7", "UART 1", "online"],
        ["8", "UART 1", "offline"],
    ]


def test_who_reads_a_table_by_keyboard_goes_on_there(page):
    page.show("Buses")
    page.page.locator("#bus-list .scroll").last.focus()
    page.page.wait_for_timeout(4000)  # it was filled anew
    assert page.page.evaluate("document.activeElement.getAttribute('aria-label')").startswith(
        "When"
    )


def test_the_overview_asks_for_nothing_else(page):
    with page.page.expect_response("**/info?view=overview") as answer:
        pass
    info = answer.value.json()
    assert "gateway" not in info and info["buses"][0].keys() == {"name", "baudrate", "health"}


def test_refused_sign_ins_are_shown(browser, micropython):
    board = Board(micropython)
    page = Page(browser, board)
    try:
        has_text(page.page.locator("#about"), "Refused sign-ins\\s*0")
        page.sign_in("wrong horse")
        has_text(page.page.locator("#login-problem"), "password is wrong")
        page.page.click("#login-cancel")
        has_text(page.page.locator("#about"), "Refused sign-ins\\s*1")
    finally:
        page.close()
        board.end()


def test_a_further_browser_asks_and_says_so(browser, micropython):
    """Those that are told of changes already go on, and it is told when one of them leaves."""
    board = Board(micropython)
    pages = [Page(browser, board) for _ in range(4)]
    further = pages[-1].page
    try:
        for one in pages:
            one.show("Points")
            one.row("count").wait_for()
        has_text(further.locator("#polls:not([hidden])"), "Other browsers")
        assert all(one.page.locator("#polls").is_hidden() for one in pages[:-1])
        for one in pages:
            value = one.row("count").locator(".value")
            first = value.inner_text()
            one.page.wait_for_function(
                "first => ![...document.querySelectorAll('.point .value')]"
                ".some(e => e.innerText === first)",
                arg=first,
                timeout=10_000,
            )
        pages.pop(0).close()
        further.wait_for_selector("#polls", state="hidden", timeout=40_000)
    finally:
        for one in pages:
            one.close()
        board.end()


def test_settings(page):
    page.sign_in()
    page.wait_until_signed_in()
    page.show("Settings")
    page.page.fill("#setting-baudrate", "12345")
    page.page.click("#form .main")
    has_text(page.page.locator("#problems"), "12345 is not possible")
    page.page.fill("#setting-baudrate", "38400")
    page.page.select_option("#setting-parity", '"N"')
    page.page.fill("#setting-outputs", "[1,")
    page.page.click("#form .main")
    has_text(page.page.locator("#message"), "outputs is no JSON")
    page.page.fill("#setting-outputs", "[1, 2]")
    page.page.click("#form .main")
    has_text(page.page.locator("#message"), "Saved")
    assert page.board.sign_in() == 200  # more browsers have signed in than there is room for
    # A password is put there, kept when nothing is said of it, and removed.
    page.page.fill("#setting-password", "water tower")
    page.page.click("#form .main")
    page.board.service.wait_for("'password': 'water tower'")
    has_text(page.page.locator("#message"), "Saved")
    page.page.wait_for_function("() => !document.querySelector('#setting-password').value")
    page.page.check("#setting-password-none")
    page.page.click("#form .main")
    page.board.service.wait_for("'password': ''")
    page.page.wait_for_selector("#setting-password-none:not(:checked)")
    saved = page.board.json("GET", "/settings")[1]["values"]
    assert saved == {"name": "Demo", "baudrate": 38400, "parity": "N", "outputs": [1, 2]}
    with page.page.expect_download() as download:
        page.page.click("#download")
    assert download.value.suggested_filename == "umb.json"
    with open(download.value.path()) as file:
        assert json.load(file) == saved
    page.page.set_input_files(
        "#upload",
        {"name": "umb.json", "mimeType": "application/json", "buffer": b'{"baudrate": 600}'},
    )
    has_text(page.page.locator("#message"), "in the form")
    assert page.page.input_value("#setting-baudrate") == "600"
    page.page.set_input_files(
        "#upload", {"name": "x.json", "mimeType": "application/json", "buffer": b"[1]"}
    )
    has_text(page.page.locator("#message"), "no file of settings")
    page.page.on("dialog", lambda dialog: dialog.accept())
    page.page.click("#restart")
    has_text(page.page.locator("#message"), "restarts")


def test_a_lost_connection_comes_back(browser, micropython):
    board = Board(micropython)
    page = Page(browser, board)
    try:
        page.show("Points")
        board.end()
        page.page.wait_for_selector("#link.poor", timeout=20_000)
        board.start()
        page.page.wait_for_selector("#link.good", timeout=20_000)
        value = page.row("count").locator(".value")
        first = value.inner_text()
        page.page.wait_for_function(
            "first => ![...document.querySelectorAll('.point .value')]"
            ".some(e => e.innerText === first)",
            arg=first,
            timeout=20_000,
        )
    finally:
        page.errors = [text for text in page.errors if "ERR_" not in text]
        page.close()
        board.end()


def test_a_first_answer_that_is_lost(browser, board):
    """The page asks again, and shows values as they change then."""
    context = browser.new_context()
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/info?*", lambda route: route.abort(), times=1)
    page.goto(board.url)
    page.wait_for_selector("#link.poor")
    with page.expect_request("**/events", timeout=20_000):
        page.wait_for_selector("#link.good", timeout=20_000)
    context.close()
    assert errors == []


def test_first_paint_over_a_slow_link(browser, board):
    """100 KB/s, and 50 ms until something comes: there is something to see within a second."""
    context = browser.new_context()
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    rates = {"latency": 50, "downloadThroughput": 100_000, "uploadThroughput": 100_000}
    network.send("Network.emulateNetworkConditions", {"offline": False, **rates})
    page.goto(board.url)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    page.wait_for_function(paint)
    painted_ms = page.evaluate(paint)
    context.close()
    assert painted_ms < 1000


@pytest.mark.parametrize(("scheme", "width"), [("dark", 360), ("light", 1200)])
def test_every_view_is_accessible_and_fits(browser, board, scheme, width):
    page = Page(browser, board, color_scheme=scheme, viewport={"width": width, "height": 740})
    page.sign_in()
    page.wait_until_signed_in()
    for view in VIEWS:
        page.show(view)
        if view == "Registers":
            page.page.fill("#unit", "1")
            page.page.fill("#address", "20")
            page.page.fill("#quantity", "8")
            page.page.click("#ask .main")
            page.page.wait_for_selector("#cells:not([hidden])")
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.page.evaluate(fits), view
        found = axe.Axe().run(page.page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], view
    page.close()


def test_keyboard(page):
    page.page.keyboard.press("Tab")  # to "Sign in"
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#points:not([hidden])")


def test_no_other_host_is_asked(page):
    for view in VIEWS:
        page.show(view)
    assert page.requested
    assert all(url.startswith(page.board.url) for url in page.requested)


def test_read_only(browser, read_only):
    page = Page(browser, read_only)
    assert page.page.locator("#sign").is_hidden()
    page.show("Points")
    switch = page.page.get_by_role("switch", name="relay")
    assert switch.is_disabled() and "read-only" in switch.get_attribute("title")
    page.close()
