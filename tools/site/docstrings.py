"""Shows the lists in umb's docstrings as lists: lines of a name, two spaces and a meaning."""

import re

import griffe

# "name   meaning", "one, other=3   meaning"; further lines of the meaning are indented.
_ITEM = re.compile(r"(?P<name>[\w*][^\n]*?)(?: {2,})(?P<meaning>\S.*)")
_MORE = re.compile(r" +(?P<meaning>\S.*)")


def markdown(text):
    """Return a docstring as Markdown, in which each of its lists is a table."""
    lines = []
    items = []  # the list at hand: [name, meaning]
    code = False
    for line in text.splitlines():
        item = None if line.startswith(" ") else _ITEM.fullmatch(line)
        more = _MORE.fullmatch(line)
        if item:
            items.append([item["name"], item["meaning"]])
        elif more and items:
            items[-1][1] += " " + more["meaning"]
        else:
            lines += _table(items)
            items = []
            if line.startswith("    ") and not code and lines and lines[-1]:
                lines.append("")
            code = line.startswith("    ")
            lines.append(line)
    return "\n".join(lines + _table(items))


def _table(items):
    """Return the lines of a table, none for no items."""
    if not items:
        return []
    rows = [f"| `{name}` | {_escaped(meaning)} |" for name, meaning in items]
    return ["", "| | |", "| --- | --- |", *rows, ""]


def _escaped(text):
    return text.replace("|", r"\|").replace("*", r"\*")


class Docstrings(griffe.Extension):
    """Rewrites every docstring when it has been read, and reads folders without __init__.py."""

    def on_instance(self, *, obj, **_):
        """Rewrite the docstring of a module, class or function."""
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)

    def on_package(self, *, pkg, loader, **_):
        """Add the modules of folders that griffe leaves out, as they have no __init__.py."""
        for folder in sorted(path for path in pkg.filepath.parent.iterdir() if path.is_dir()):
            files = sorted(folder.glob("*.py"))
            if files and not (folder / "__init__.py").exists():
                module = griffe.Module(folder.name, filepath=[folder], parent=pkg)
                pkg.set_member(folder.name, module)
                for path in files:
                    module.set_member(path.stem, _visit(path, module, loader))


def _visit(path, parent, loader):
    """Return the module in a file."""
    return griffe.visit(
        path.stem,
        filepath=path,
        code=path.read_text(),
        parent=parent,
        extensions=loader.extensions,
        lines_collection=loader.lines_collection,
        modules_collection=loader.modules_collection,
    )
