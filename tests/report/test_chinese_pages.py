"""Chinese pages: nothing of limitlab's own is left in English, and the Chinese is written as Chinese is."""

from __future__ import annotations

import ast
import html
import json
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import plotly.offline
import pytest

import limitlab
from limitlab.report.message_book import _PLACE, message_book

SOURCE = Path(limitlab.__file__).parent
HAN = r"[\u3400-\u9fff]"
# Names, commands and citations may stay English; everything else that runs over three English words may not.
OWN = (
    r"limitlab (?:reproduce|diagnose|capacity|report|verify|free|eval|make)[\w .=-]*",
    r"LIMIT(?: |-)(?:dense|random|cycle|disjoint|\([\d,]+ documents\))|LIMIT \([\d,]+ documents\)|own notes",
    r"Who likes apples\?|Jon Smith likes apples, chess and hail\.|GTE-ModernColBERT|Promptriever Llama3 8B|Snowflake Arctic L|Weller、Boratko、Naim 和 Lee",
    r"dense, random, cycle, disjoint|Intel\(R\) Xeon\(R\) Platinum 8481C CPU",
    r"MissingExtra: dense retrievers need sentence-transformers\.|NaN in the loss at step 312; nothing of it is kept\.",  # errors as they came
    r"Accuracy collapse under dimensionality mismatch",
    r"infonce|sign_rank\w*|dim_\w+|trec|sqrt\(N n\) / norm\(M\)|c k ln\(n/k\) / ln\(1 \+ 2/\(m sqrt\(k\)\)\)",
)
RUN = re.compile(r"(?<![\w.@/-])[A-Za-z]{2,}(?:[ ,;:]+[A-Za-z'’]{2,}){2,}")


@pytest.fixture(scope="module")
def written(pages, tmp_path_factory) -> dict[str, str]:
    """Every page in Chinese."""
    folder = tmp_path_factory.mktemp("zh")
    bundle = plotly.offline.get_plotlyjs()
    return {
        name: write(folder / "page.html", language="zh").read_text(encoding="utf-8").replace(bundle, "") for name, write in pages.items()
    }


def texts(page: str) -> Iterator[str]:
    """What a reader sees or hears, without commands, code and citations."""
    page = re.sub(r'<section id="sources">.*?</section>', " ", page, flags=re.S)
    plots = re.findall(r'class="plot-data">(.*?)</script>', page, re.S)
    page = re.sub(r"<(script|style|pre)\b.*?</\1>", " ", page, flags=re.S)
    page = re.sub(r"<code>.*?</code>", "`code`", page, flags=re.S)
    for found in re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', page):
        yield html.unescape(found)
    for found in re.split(r"<(?!/?i>)[^>]*>", page):
        yield " ".join(html.unescape(re.sub(r"</?i>", "", found)).split())
    for plot in plots:
        yield from labels(json.loads(plot), "")


def labels(value: object, key: str) -> Iterator[str]:
    """Texts of a figure."""
    if isinstance(value, dict):
        for k, v in value.items():
            yield from labels(v, k.rpartition(".")[2])
    elif isinstance(value, list):
        for v in value:
            yield from labels(v, key)
    elif isinstance(value, str) and key in ("name", "text", "label", "ticktext", "hovertemplate", "customdata"):
        without_source = re.sub(r"<i>.*?</i>", "", value)
        yield from (html.unescape(part) for part in re.split(r"<[^>]*>", re.sub(r"%\{[^}]*\}", "7", without_source)))


def test_no_page_is_half_english(written):
    left = {}
    for name, page in written.items():
        for text in texts(page):
            rest = re.sub("|".join(OWN), "…", text)
            if RUN.search(rest):
                left.setdefault(text, name)
    assert not left, "\n".join(f"{name}: {text}" for text, name in left.items())


def test_pages_say_that_they_are_chinese_and_hold_what_the_script_says(written):
    for page in written.values():
        assert '<html lang="zh-CN">' in page and "PingFang SC" in page
        said = json.loads(re.search(r'id="said">(.*?)</script>', page, re.S)[1])
        assert said["Show all {rows} rows"] == "展开全部 {rows} 行"


def test_half_width_marks_and_spaces_do_not_stand_in_chinese(written):
    wrong = re.compile(rf"{HAN}[,;:?!] ?{HAN}|{HAN} [，。：；、）]|[，。：；、（] {HAN}|{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}|{HAN}  ?{HAN}")
    left = [(name, text) for name, page in written.items() for text in texts(page) if wrong.search(text)]
    assert not left, "\n".join(f"{name}: {text}" for name, text in left[:20])


def messages() -> dict[str, str]:
    text = resources.files("limitlab.report").joinpath("messages", "zh.toml").read_text(encoding="utf-8")
    return {english: words for section in tomllib.loads(text).values() for english, words in section.items()}


def test_messages_are_plain_chinese():
    for english, words in messages().items():
        assert words.strip() == words and words, english
        bare = re.sub(r"<[^>]*>|\{[^}]*\}", "", words)
        assert not re.search(r"进行了|作出了|的的|被进行|对于.{1,12}来说而言", bare), words
        assert not re.search(rf"{HAN}[,;:?!()]|[,;:?!()]{HAN}", bare), words
        assert not re.search(rf"{HAN}[A-Za-z0-9]|[A-Za-z0-9]{HAN}", words.replace("<", " ").replace(">", " ")), words
        numbers = re.findall(r"\d[\d,.]*\d|\d", re.sub(r"\{[^}]*\}", "", english))
        spoken = re.sub(r"\{[^}]*\}", "", words)
        assert english in _OTHER_NUMBERS or all(n in spoken for n in numbers if len(n) > 1), (english, words)


# Large numbers go by ten thousands in Chinese.
_OTHER_NUMBERS = {e for e in messages() if " million" in e or "500,000" in e}


# In these modules, and on no page: names of values in JSON and CSV, citations, fonts, errors, print figures, times of experiments.
NOT_SHOWN = (
    *(
        "range of seeds",
        "Hiragino Sans GB",
        "Noto Sans CJK SC",
        "Source Han Sans SC",
        "training and encoding",
        "nDCG@10 on the BEIR folders",
    ),
    *("The Theory of Error-Correcting Codes", "A class of low-rate", "Mengen konvexer", "die einen gemeinsamen", "Living on the edge"),
    *("phase transitions in convex", "Minimal embeddable dimension", "relevant with an irrelevant twin", "median cosine of the nearest"),
    *("length of the mean", "of directions at random", "directions for 9", "largest share of queries", "mean share of queries"),
    *("documents never retrieved", "share of the squared length kept", "queries of the diagnosis", "relevant documents unseen in training"),
    *("a Dataset with texts", "has no vectors of that kind", "generalised Pareto law", "highest irrelevant scores of each query"),
    *("Theorem1 lower bound gamma", "via SentenceTransformer"),
)


def shown_sources() -> list[Path]:
    """Modules whose sentences reach a page."""
    rooms = [
        *(SOURCE / "report").glob("*.py"), *(SOURCE / "diagnosis" / "geometry").glob("*.py"),
        *(SOURCE / "diagnosis" / "remedies").glob("*.py"), SOURCE / "theory" / "lower_tasks.py", SOURCE / "theory" / "upper_tasks.py",
    ]  # fmt: skip
    names = ("verdict", "diagnose", "dimension", "drowning", "forecast", "platform")
    rooms += [SOURCE / "diagnosis" / f"{n}.py" for n in names] + [SOURCE / "evaluation" / f"{n}.py" for n in ("remarks", "service_remarks")]
    rooms += [SOURCE / "theory" / f"{n}.py" for n in ("quantities", "not_computable", "gap_bounds")] + [SOURCE / "_core" / "status.py"]
    compared = ("catalogue", "experiment", "model_names", "theorem_table", "critical_n_run", "limit_recall", "pattern_recall")
    compared += ("domain_shift", "graph_density", "beir_correlation")
    rooms += [SOURCE / "reproduce" / f"{n}.py" for n in compared]
    return [*rooms, *(SOURCE / "training" / f"{n}.py" for n in ("verdict", "measuring"))]


def fixed_parts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, words) of the fixed parts of every text in a module, without docstrings and errors."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Expr, ast.Raise)):
            skipped |= {id(n) for n in ast.walk(node)}
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("require", "derived", "task"):
            skipped |= {id(n) for n in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield node.lineno, " ".join(node.value.split())


def test_every_sentence_of_a_page_has_a_message():
    known = [" ".join(_PLACE.sub("{}", e.replace("<code>", "").replace("</code>", "")).split()) for e in messages()]
    known += [e.replace("{s/}", "") for e in known]
    whole = "\n".join(known)
    left = []
    for path in shown_sources():
        for line, words in fixed_parts(path):
            for part in re.split(r"[.:;?!,()“”\"]|<[^>]*>|%\{[^}]*\}|\{[^}]*\}", words):
                part = part.strip()
                a_sentence = re.search(r"[A-Za-z]{2,} .*[A-Za-z]{2,} .*[A-Za-z]{2,}", part) and not any(n in part for n in NOT_SHOWN)
                if a_sentence and part not in whole and part[:1].lower() + part[1:] not in whole:
                    left.append(f"{path.relative_to(SOURCE)}:{line}: {part}")
    assert not left, "\n".join(left)


def test_english_pages_do_not_change(pages, tmp_path):
    name = "limit_result"
    page = pages[name](tmp_path / "a.html").read_text(encoding="utf-8")
    assert page == pages[name](tmp_path / "b.html", language="en").read_text(encoding="utf-8")
    assert '<html lang="en">' in page and 'id="said"' not in page.split("<main")[0]


def test_the_book_of_a_language_that_is_not_there_is_refused(pages, tmp_path):
    from limitlab._core.errors import UnknownName

    for name in ("limit_result", "critical_n_full_result", "capacity_2", "bounds", "diagnosis_run", "training", "reproduction"):
        with pytest.raises(UnknownName, match="did you mean 'zh'"):
            pages[name](tmp_path / "x.html", language="zhh")
    assert not list(tmp_path.iterdir())
    assert message_book("zh").said("Sources") == "来源"


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("0 of 300 documents have no direction.", "300 篇文档里没有零向量，也没有 NaN。"),
        ("3 of 300 documents have no direction.", "300 篇文档里有 3 篇是零向量或 NaN，没有方向。"),
        ("0 queries have more than k = 10 relevant documents", "没有查询的相关文档超过 k = 10 篇"),
        ("already under 90 % at 12 documents", "12 篇文档时就已低于 90%"),
        ("not under 50 % up to 1,200 documents", "到 1,200 篇文档仍不低于 50%"),
        ("points; the embedding is behind", "个百分点；嵌入模型落后"),
        ("31.8 of 64", "31.8 / 64"),
        ("dim", "维度"),
        ("engine", "执行引擎"),
    ],
)
def test_what_has_a_form_of_its_own_in_chinese(english, chinese):
    assert message_book("zh").said(english) == chinese
