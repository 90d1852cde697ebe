"""A finished page in Chinese: what is said, what stays, and that nothing of the user becomes a tag."""

from __future__ import annotations

import html
import json
import re

import pytest

from limitlab._core.errors import UnknownName
from limitlab.report.language import SCRIPT_WORDS, in_language, known_language, own_words, said, script_words

PAGE = '<!doctype html>\n<html lang="en">\n<body>{}</body></html>'


def chinese(body: str, *names: str) -> str:
    return re.search(r"<body>(.*)</body>", in_language(PAGE.format(body), "zh", own_words(*names)), re.S)[1]


def test_an_english_page_is_left_alone():
    page = PAGE.format("<h2>Sources</h2>")
    assert in_language(page, "en") == page
    assert in_language(page, "zh") == page.replace('lang="en"', 'lang="zh-CN"').replace("Sources", "来源")


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("<h2>All numbers</h2>", "<h2>全部数字</h2>"),
        ("<p>\n  Click a heading\n  to sort. </p>", "<p>\n  点击表头可排序。</p>"),
        ("<td>95 %</td>", "<td>95%</td>"),
        ('<div aria-label="Filter rows"></div>', '<div aria-label="筛选行"></div>'),
        ("<b>Agrees</b>: neither.", "<b>一致</b>：以上都不满足。"),
        ("<p>Click a heading to sort.</p> <p>none</p>", "<p>点击表头可排序。</p><p>无</p>"),
        ("<p>Click a heading to sort. <b>Encode them again.</b></p>", "<p>点击表头可排序。<b>请重新编码。</b></p>"),
        ("<pre><code>Sources</code></pre>", "<pre><code>Sources</code></pre>"),
        ("<script>var a = 'Sources';</script>", "<script>var a = 'Sources';</script>"),
        ("<td><code>dim_lower_radon</code></td>", "<td><code>dim_lower_radon</code></td>"),
    ],
)
def test_texts_are_said_and_code_is_not(english, words):
    assert chinese(english) == words


def test_a_name_that_is_a_tag_stays_text():
    name = 'x <img src=x onerror="alert(1)"> y'
    page = chinese(f"<h1>Where recall goes: {html.escape(name)}</h1>", name)
    assert html.unescape(page) == f"<h1>召回丢在哪里：{name}</h1>" and "<img" not in page


def test_names_of_the_user_are_not_translated():
    assert chinese("<h3>documents</h3><dt>documents</dt>", "documents") == "<h3>documents</h3><dt>documents</dt>"
    assert chinese("<h1>Where recall goes: My data, 5 queries</h1>", "My data, 5 queries") == "<h1>召回丢在哪里：My data, 5 queries</h1>"


def test_labels_of_a_figure_are_said_and_its_keys_are_not():
    figure = {
        "data": [{"name": "best irrelevant document of each query", "legendgroup": "documents", "hovertemplate": "<b>a &lt; b</b><br>%{x:,} documents: %{y:.1f} %<extra></extra>"}],
        "layout": {"xaxis": {"title": {"text": "score"}, "ticksuffix": " %", "ticktext": ["2 million", "5"]}, "font": {"family": "Arial, sans-serif"}},
    }  # fmt: skip
    script = f'<script type="application/json" class="plot-data">{json.dumps(figure)}</script>'
    found = json.loads(re.search(r">(.*)</script>", chinese(script), re.S)[1])
    trace, axis = found["data"][0], found["layout"]["xaxis"]
    assert trace["name"] == "每条查询得分最高的不相关文档" and trace["legendgroup"] == "documents"
    assert trace["hovertemplate"] == "<b>a &lt; b</b><br>%{x:,} 篇文档：%{y:.1f}%<extra></extra>"
    assert axis["title"]["text"] == "分数" and axis["ticksuffix"] == "%" and axis["ticktext"] == ["200 万", "5"]
    assert "Noto Sans CJK SC" in found["layout"]["font"]["family"]


def test_everything_that_the_script_says_has_words():
    assert set(script_words("zh")) == set(SCRIPT_WORDS) and script_words("en") == {}
    for english, words in script_words("zh").items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", words))


def test_a_sentence_of_its_own_and_an_unknown_language():
    assert said("LIMIT, 46 documents", "zh") == "LIMIT，46 篇文档"
    assert said("LIMIT, 46 documents", "en") == "LIMIT, 46 documents"
    with pytest.raises(UnknownName, match="did you mean 'zh'"):
        known_language("write_report()", "zhh")
