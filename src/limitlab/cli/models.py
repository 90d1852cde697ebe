"""``limitlab models``: the retrievers known by name."""

from __future__ import annotations

from limitlab.cli.options import JsonFlag, answer, answer_json


def models(json: JsonFlag = False) -> None:
    """List the retrievers that -m knows by name."""
    from limitlab.cli.tables import plain_table
    from limitlab.retrieval import known_retrievers

    known = known_retrievers()
    if json:
        answer_json({"schema": "limitlab.models/1", "models": known})
    else:
        answer(plain_table(["-m", "what it is"], list(known.items())))
