"""Messages: places, fixed alternatives, numbers, names; what no message fits stays."""

from __future__ import annotations

import pytest

from limitlab._core.errors import DataError
from limitlab.report.message_book import MessageBook, message_book

BOOK = MessageBook(
    {
        "query": "查询",
        "query encoder": "查询编码器",
        "index": "索引",
        "{n:n} document{s/}": "{n} 篇文档",
        "{n:n} quer{y/ies}": "{n} 条查询",
        "On {data}, {who} finds {v:n} %": "在 {data} 上，{who}找到 {v}%",
        "{v:part} of the loss is the {level:part} ({n:n})": "{level}占损失的 {v}（{n} 篇）",
        "It ends. It begins.": "结束又开始。",
        "It works.": "有效。",
        "See {what}.": "见{what}。",
        "run <code>limitlab verify</code> again": "再运行 <code>limitlab verify</code>",
    }
)


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("query", "查询"),
        ("Query", "查询"),
        ("1 document", "1 篇文档"),
        ("1,000 documents", "1,000 篇文档"),
        ("2 million documents", "200 万篇文档"),
        ("%{x:,} documents", "%{x:,} 篇文档"),
        ("1 query", "1 条查询"),
        ("nothing that is known", "nothing that is known"),
        ("some documents", "some documents"),
        ("5 % to 7 %", "5% to 7%"),
        ("", ""),
    ],
)
def test_what_is_said(english, words):
    assert BOOK.said(english) == words


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("2 million", "200 万"),
        ("0.2 million", "20 万"),
        ("250 M", "2.5 亿"),
        ("1.5 billion", "15 亿"),
        ("3 tn", "3 万亿"),
        ("−4 bn", "−40 亿"),
    ],
)
def test_large_numbers_go_by_ten_thousands(english, words):
    assert BOOK.said(english) == words


def test_a_space_parts_han_from_latin_and_nothing_parts_han():
    assert BOOK.said("See index.") == "见索引。"
    assert BOOK.said("See BM25.") == "见 BM25。"
    assert BOOK.said("On LIMIT, BM25 finds 94.2 %") == "在 LIMIT 上，BM25 找到 94.2%"
    assert BOOK.said("On index, query encoder finds 94.2 %") == "在索引上，查询编码器找到 94.2%"


def test_sentences_are_said_as_many_at_a_time_as_a_message_has():
    assert BOOK.said("It works. It ends. It begins. It works.") == "有效。结束又开始。有效。"
    assert BOOK.said("It works. Unknown stays. It works.") == "有效。Unknown stays. 有效。"


def test_a_place_does_not_swallow_the_next_part_of_a_list():
    told = BOOK.said("60 % of the loss is the query encoder (25), 40 % of the loss is the index (7)")
    assert told == "查询编码器占损失的 60%（25 篇），索引占损失的 40%（7 篇）"
    assert BOOK.said("query, index") == "查询、索引"
    assert BOOK.said("apples, pears, index") == "apples, pears, index"


def test_names_of_the_user_are_left_alone():
    names = frozenset({"My data, 5 documents", "index"})
    assert BOOK.said("My data, 5 documents", names) == "My data, 5 documents"
    assert BOOK.said("index", names) == "index"
    assert BOOK.said("On My data, 5 documents, query encoder finds 3 %", names) == "在 My data, 5 documents 上，查询编码器找到 3%"


def test_code_in_a_sentence_stays_where_the_translation_puts_it():
    assert BOOK.said("run \ue000limitlab verify\ue001 again") == "再运行 \ue000limitlab verify\ue001"


def test_a_translation_with_an_unknown_place_is_refused():
    with pytest.raises(DataError, match="names m, which"):
        _ = MessageBook({"{n:n} rows": "{m} 行"}).entries


def test_the_chinese_book_is_read_once_and_has_no_faults():
    book = message_book("zh")
    assert book is message_book("zh")
    assert len(book.entries) > 500
