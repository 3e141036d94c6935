"""dev.py points: makes files of points of other formats, checks them, prints them as tables.

Home Assistant's and ESPHome's YAML, SunSpec's model JSON, Telegraf's TOML, and CSV whose first
line has the keys.
"""

import argparse
import csv
import importlib.util
import json
import re
import sys
import tempfile
from pathlib import Path

from tools.env import ROOT, Trouble, use_venv
from tools.points.reading import refusal
from tools.points.source import Found, Mistake
from tools.points.table import table

_HEAD = ("manufacturer", "model", "source", "sunspec_model", "max_gap", "max_span", "pause_ms")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


def main(args):
    """Convert, check or print a file; 0 if it is right."""
    parser = argparse.ArgumentParser(
        prog="dev.py points", description="files of points of other formats, and tables of them"
    )
    parser.add_argument("file", type=Path, help=".yaml, .yml, .toml, .csv or .json")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, not to stdout")
    parser.add_argument(
        "--table", action="store_true", help="a table in Markdown in place of JSON"
    )
    parser.add_argument("--slave-id", type=int, metavar="ID", help="of a file with several slaves")
    parser.add_argument("--controller", metavar="ID", help="of an ESPHome file with several")
    parser.add_argument(
        "--address", type=int, default=0, metavar="N", help="where a SunSpec model begins (0)"
    )
    wanted = parser.parse_args(args)
    need_parsers(args)
    found = read(wanted)
    text = to_json(found)
    check(found, text)
    for note in found.notes:
        print(note, file=sys.stderr)
    if wanted.table:
        text = "\n".join(table(found.about, found.points)) + "\n"
    if wanted.output:
        try:
            wanted.output.write_text(text)
        except OSError as error:
            raise Trouble(f"cannot write {wanted.output}: {error.strerror}") from None
    else:
        print(text, end="")
    return 0


def need_parsers(args):
    """Return if the parsers are at hand, wherever from, else restart this command in .venv."""
    needed = ("yaml",) if sys.version_info >= (3, 11) else ("yaml", "tomli")
    if not all(map(importlib.util.find_spec, needed)):
        words = (ROOT / "tools" / "dev.py", "points", *args)
        use_venv("points", "the parsers of YAML and TOML", needed, words)


def read(wanted):
    """Return what is Found in the file that is wanted."""
    path = wanted.file
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    found = Found(path)
    kind = path.suffix.lower()
    if kind in (".yaml", ".yml"):
        _read_yaml(found, text, wanted)
    elif kind == ".toml":
        from tools.points import telegraf  # noqa: PLC0415 - its parser may be missing

        telegraf.find(found, text, wanted.slave_id)
    elif kind == ".csv":
        _read_csv(found, text)
    elif kind == ".json":
        _read_json(found, text, wanted)
    else:
        raise Trouble(f"{path}: .yaml, .yml, .toml, .csv or .json is needed")
    if not found.points:
        raise Mistake(path, 0, None, "there are no points in it")
    return found


def _read_yaml(found, text, wanted):
    from tools.points import esphome, homeassistant, yaml_lines  # noqa: PLC0415 - as above

    document = yaml_lines.load(found.path, text)
    if isinstance(document, dict) and "modbus_controller" in document:
        esphome.find(found, document, wanted.controller)
    elif isinstance(document, (dict, list)):
        homeassistant.find(found, document, wanted.slave_id)
    else:
        raise Mistake(found.path, 1, None, "neither `modbus:` nor `modbus_controller:` is there")


def _read_csv(found, text):
    """Read a table whose first line has the keys of points, with , or ; or tabs between."""
    lines = text.splitlines()
    if not lines:
        return
    delimiter = max(",;\t", key=lines[0].count)
    for row, values in enumerate(csv.DictReader(lines, delimiter=delimiter)):
        if None in values:
            raise Mistake(found.path, row + 2, None, "there are more values than keys")
        point = {
            key.strip(): _value(key.strip(), value)
            for key, value in values.items()
            if value not in (None, "")
        }
        found.add(point, row + 2)


def _value(key, text):
    """Return what a cell of a CSV stands for."""
    text = text.strip()
    if key in ("name", "unit_of_measurement", "device_class", "state_class", "scale_factor"):
        return text
    known = {"true": True, "false": False, "yes": True, "no": False, "null": None}
    if text.lower() in known:
        return known[text.lower()]
    if key == "address" and text.lower().startswith("0x"):
        try:
            return int(text, 16)
        except ValueError:
            return text
    if not _NUMBER.fullmatch(text):
        return text
    return float(text) if re.search(r"[.eE]", text) else int(text)


def _read_json(found, text, wanted):
    from tools.points import sunspec  # noqa: PLC0415 - as above

    try:
        document = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise Mistake(found.path, line, None, getattr(error, "msg", str(error))) from None
    if isinstance(document, dict) and isinstance(document.get("group"), dict):
        sunspec.find(found, text, document, wanted.address)
        return
    points = document
    if isinstance(document, dict):
        points = document.get("points", [])
        found.about = {key: value for key, value in document.items() if key != "points"}
    if not isinstance(points, list) or not all(isinstance(point, dict) for point in points):
        raise Mistake(found.path, 0, "points", "a list of objects is needed")
    decoder = json.JSONDecoder()
    at = text.find("[", text.find('"points"') if isinstance(document, dict) else 0)
    for point in points:
        at = text.index("{", at)
        line = text.count("\n", 0, at) + 1
        _, at = decoder.raw_decode(text, at)
        found.add(point, line)


def to_json(found):
    """Return a file of points: one a line, which is what a board tells mistakes by."""
    head = {key: found.about[key] for key in _HEAD if key in found.about}
    head.update({key: value for key, value in found.about.items() if key not in _HEAD})
    text = json.dumps(head, ensure_ascii=False)[1:-1]
    lines = ",\n".join(json.dumps(point, ensure_ascii=False) for point in found.points)
    return f'{{{text}{", " if text else ""}"points": [\n{lines}\n]}}\n'


def check(found, text):
    """Raise Mistake unless umb reads this file of points, as a board would."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.json"
        path.write_text(text)
        said = refusal(path)
    if said:
        told = re.fullmatch(r"ValueError: .*?points\.json(?:, line (\d+))?: (.*)", said)
        if told is None:
            raise Trouble(f"{found.path}: {said}")
        number = int(told[1]) - 2 if told[1] else -1
        line = found.lines[number] if 0 <= number < len(found.lines) else 0
        raise Mistake(found.path, line, None, told[2])
