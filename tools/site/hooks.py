"""What mkdocs calls while it builds: adds pages from outside docs/, and rewrites links.

Pages link to one another as files of the repository, so that they can be read there as well. On
the site the README is the first page, and examples/ is one page.
"""

import os
import posixpath
import re

from mkdocs.structure.files import File

from tools.env import ROOT

_LINK = re.compile(r"(\]\()([^)\s:#]+)((?:#[^)\s]*)?\))")
_EXAMPLES = "examples.md"


def outside():
    """Return {file of the repository: page of the site} of the pages that are not in docs/."""
    pages = {"README.md": "index.md"}
    for name in ("CHANGES", "CONFORMANCE", "CONTRIBUTING", "SECURITY"):
        if (ROOT / f"{name}.md").exists():
            pages[f"{name}.md"] = f"{name.lower()}.md"
    for path in sorted(ROOT.glob("boards/*/README.md")):
        pages[path.relative_to(ROOT).as_posix()] = f"boards/{path.parent.name}.md"
    for name in ("boards", "mip"):
        pages[f"{name}/README.md"] = f"{name}/index.md"
    return pages


def examples():
    """Return a page with every program of examples/."""
    parts = [(ROOT / "examples" / "README.md").read_text()]
    for path in sorted(ROOT.glob("examples/*.py")):
        parts.append(f"## {path.name}\n\n```python\n{path.read_text()}```\n")
    return "\n".join(parts)


def on_files(files, config):
    """Add the pages from outside docs/."""
    for source, page in outside().items():
        text = (ROOT / source).read_text()
        files.append(File.generated(config, page, content=text))
    if (ROOT / "examples").exists():
        files.append(File.generated(config, _EXAMPLES, content=examples()))
    return files


def on_page_markdown(markdown, page, files, **_):
    """Make links between files of the repository lead to pages of the site."""
    page_of = {f"docs/{file.src_uri}": file.src_uri for file in files if not file.generated_by}
    page_of.update(outside())
    source_of = {page: source for source, page in page_of.items()}
    source_of[_EXAMPLES] = "examples/README.md"
    here = posixpath.dirname(source_of[page.file.src_uri])

    def fitting(link):
        target = posixpath.normpath(posixpath.join(here, link[2]))
        anchor = link[3]
        if target.startswith("examples"):
            if target.endswith(".py"):
                anchor = "#" + re.sub(r"[^\w-]", "", posixpath.basename(target)) + ")"
            target = _EXAMPLES
        elif target in page_of:
            target = page_of[target]
        else:
            return link[0]
        at = posixpath.dirname(page.file.src_uri) or "."
        return link[1] + os.path.relpath(target, at) + anchor

    return _LINK.sub(fitting, markdown)
