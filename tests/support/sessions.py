"""Runs the interactive sessions of a text (lines that begin with >>>) in MicroPython."""

import doctest
import re

from tests.interop.peer_remote import Failed, Remote


def wrong_examples(micropython, text, name):
    """Return a sentence for each example whose output is not what the text says.

    All examples share one namespace, in their order. Of an exception only the last line counts.
    The text may be Markdown.
    """
    text = re.sub(r"^```.*$", "", text, flags=re.M)  # the end of a block would be output
    examples = doctest.DocTestParser().get_examples(text, name)
    assert examples, f"{name} has no examples"
    faults = []
    with Remote(micropython, "") as remote:
        for example in examples:
            got = _outcome(remote, example.source)
            wanted = example.exc_msg or example.want
            if got.strip() != wanted.strip():
                faults.append(f"line {example.lineno + 1}: {example.source.strip()}: {got}")
    return faults


def _outcome(remote, source):
    """Return what an interactive MicroPython would print for an example."""
    try:
        try:
            compile(source, "example", "eval")
        except SyntaxError:
            remote.run(source)
            return ""
        text = remote.evaluate(f"repr({source.strip().partition('  #')[0]})")
    except Failed as failure:
        return f"{failure.name}: {failure.text}"
    return "" if text == "None" else text
