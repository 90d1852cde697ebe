"""The two READMEs say the same: commands, numbers and links."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
UNITS = {"million": 10**6, "万": 10**4, "亿": 10**8}


def commands(text: str) -> list[str]:
    """Lines of code without their comments."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.S)
    return [line.split("  #")[0].split(" # ")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


def numbers(text: str) -> set[float]:
    """Every number outside of code and links, with its unit multiplied in."""
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", " ", text, flags=re.S)
    found = re.findall(r"(?<![A-Za-z0-9_.@^-])(\d[\d,]*(?:\.\d+)?)(?: ?(million|万|亿))?(?![A-Za-z0-9_@])", text)
    return {float(n.replace(",", "")) * UNITS.get(unit, 1) for n, unit in found}


def test_every_command_of_the_english_one_is_in_the_chinese_one():
    chinese = commands(CHINESE)
    assert [line for line in commands(ENGLISH) if line not in chinese] == []


def test_every_number_of_the_english_one_is_in_the_chinese_one():
    assert numbers(ENGLISH) - numbers(CHINESE) == set()


def test_every_link_of_the_english_one_is_in_the_chinese_one():
    linked = set(re.findall(r"\]\(([^)]*)\)", ENGLISH)) - {"README.zh-CN.md"}
    assert linked - set(re.findall(r"\]\(([^)]*)\)", CHINESE)) == set()


def test_links_lead_to_files():
    for link in re.findall(r"\]\(([^)#]*)\)", CHINESE):
        assert link.startswith("https://") or (ROOT / link).is_file(), link
