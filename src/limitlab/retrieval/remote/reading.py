"""What a chat model is shown of a corpus, and what it answered: prompts, estimates of tokens, ids in answers."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limitlab._core.texts import Texts

SYSTEM = (
    "You find documents. The user gives a corpus, one JSON object with 'id' and 'text' a line, and then numbered queries. "
    "For every query, find the documents that answer it, and list their ids exactly as written, the best first, at most {most}. "
    'Answer with one JSON object only, from the number of the query to its list of ids: {{"1": ["id", "id"], "2": []}}.'
)
BYTES_PER_TOKEN = 3  # fewer than languages have on average, so that an estimate is rather too high than too low
_NUMBERED = re.compile(r'^\W*(?:query\s*)?"?(\d+)"?\s*[:.)\]]\s*(.*)$', re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """The lists of documents read out of one answer.

    Attributes
    ----------
    lists
        For each query of the prompt, different documents in the order given; empty where the model named none.
    unknown
        Ids that are not in the corpus.
    unanswered
        Queries about which the answer says nothing.
    as_json
        Whether the answer was the JSON asked for; otherwise ids were looked for in its text.
    """

    lists: tuple[tuple[int, ...], ...]
    unknown: int
    unanswered: int
    as_json: bool


def corpus_block(docs: Texts) -> str:
    """One JSON object a line, in the order of the corpus."""
    return "\n".join(json.dumps({"id": doc_id, "text": text}, ensure_ascii=False) for doc_id, text in zip(docs.ids, docs))


def messages(corpus: str, queries: Sequence[str], most: int) -> list[dict[str, str]]:
    """The chat: the task, then corpus and queries. The corpus comes first, so that services can reuse it from prompt to prompt."""
    asked = "\n".join(f"{number}. {json.dumps(query, ensure_ascii=False)}" for number, query in enumerate(queries, 1))
    user = f"Corpus:\n{corpus}\n\nQueries:\n{asked}"
    return [{"role": "system", "content": SYSTEM.format(most=most)}, {"role": "user", "content": user}]


def estimated_tokens(*texts: str) -> int:
    """Tokens of the texts together, estimated from their bytes."""
    return -(-sum(len(text.encode("utf-8", "replace")) for text in texts) // BYTES_PER_TOKEN)


def read_answer(answer: str, n_queries: int, positions: dict[str, int]) -> Reading:
    """The documents an answer lists, query by query.

    Parameters
    ----------
    answer
        As the model gave it: the JSON object asked for, perhaps with words or a code fence around it; with one query a bare JSON
        list; or text that names ids, each query's on a line that begins with its number.
    n_queries
        Queries in the prompt, numbered from 1.
    positions
        Position of every id in the corpus.
    """
    answer = answer.rpartition("</think>")[2]  # what a reasoning model thinks aloud is not its answer
    listed = _json_lists(answer, n_queries, positions)
    if listed is not None:
        unknown, lists = 0, []
        for named in (listed.get(number, []) for number in range(1, n_queries + 1)):
            known = [positions[name] for name in named if name in positions]
            unknown += len(named) - len(known)
            lists.append(tuple(dict.fromkeys(known)))
        return Reading(tuple(lists), unknown, sum(number not in listed for number in range(1, n_queries + 1)), True)
    by_query = _text_parts(answer, n_queries)
    pattern = _names(positions)
    found = [tuple(dict.fromkeys(positions[m] for m in pattern.findall(by_query.get(q, "")))) for q in range(1, n_queries + 1)]
    return Reading(tuple(found), 0, sum(not f for f in found), False)


def _json_lists(answer: str, n_queries: int, positions: dict[str, int]) -> dict[int, list[str]] | None:
    """``{number of the query: names}`` of the first JSON value in the answer that names a document, else of the first at all, or None."""
    decoder, first = json.JSONDecoder(), None
    for match in re.finditer(r"[\[{]", answer):
        try:
            value, _ = decoder.raw_decode(answer, match.start())
        except ValueError:
            continue
        made = _as_lists(value, n_queries)
        if made is not None and any(name in positions for named in made.values() for name in named):
            return made
        first = made if first is None else first
    return first


def _as_lists(value: Any, n_queries: int) -> dict[int, list[str]] | None:
    if isinstance(value, list) and n_queries == 1 and all(isinstance(v, (str, int)) for v in value):
        return {1: [str(v) for v in value]}
    if not isinstance(value, dict) or not value:
        return None
    made = {int(key): named for key, named in value.items() if str(key).strip().isdigit() and isinstance(named, list)}
    if not made and n_queries == 1 and len(value) == 1 and isinstance(next(iter(value.values())), list):
        made = {1: next(iter(value.values()))}  # {"ids": [...]}
    return {key: [str(v) for v in named] for key, named in made.items()} or None


def _text_parts(answer: str, n_queries: int) -> dict[int, str]:
    if n_queries == 1:
        return {1: answer}
    parts: dict[int, str] = {}
    for line in answer.splitlines():
        match = _NUMBERED.match(line)
        if match and 1 <= int(match[1]) <= n_queries:
            parts.setdefault(int(match[1]), match[2])
    return parts


def _names(positions: dict[str, int]) -> re.Pattern[str]:
    """Any id as a whole word; the longest first, so that "d12" is not read as "d1"."""
    names = sorted(positions, key=lambda name: (-len(name), name))
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, names)) + r")(?!\w)")
