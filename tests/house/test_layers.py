"""The house: rooms import only from lower floors, files hold one concept, imports stay cheap."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "limitlab"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_rooms_import_only_from_lower_floors():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_module_is_small_and_named_for_what_it_holds(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 400, f"{len(lines)} lines: two concepts in one file"
    assert path.stem not in {"utils", "util", "helpers", "common", "misc"}
    tree = ast.parse("\n".join(lines))
    assert ast.get_docstring(tree), "a module says what it is for in its first line"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            body = (node.end_lineno or 0) - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            assert body <= 60, f"{node.name} has {body} lines"


def _public_functions():
    for path in MODULES:
        if path.parent.name == "cli" or path.stem == "kernels":
            continue
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                yield pytest.param(path, node, id=f"{path.relative_to(SOURCE)}:{node.name}")


@pytest.mark.parametrize(("path", "node"), _public_functions())
def test_public_names_have_docstrings(path, node):
    assert ast.get_docstring(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_bare_or_blanket_except_and_no_assert_for_input(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            blanket = node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            # The one place that may see every exception is the command line's entry, which shows it or raises it again.
            assert not blanket or path.name == "main.py", f"line {node.lineno}"


def _seconds(code: str) -> float:
    """Best of five, in a fresh interpreter, of processor time: what else runs on the machine does not count."""
    timer = f"import time; start = time.process_time(); {code}; print(time.process_time() - start)"
    return min(float(subprocess.run([sys.executable, "-c", timer], capture_output=True, text=True, check=True).stdout) for _ in range(5))


def test_import_is_cheap():
    assert _seconds("import limitlab") <= 0.15


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['limitlab', '--help']\n"
        "from limitlab.cli.main import run\n"
        "try: run()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'plotly', 'numba', 'sentence_transformers', 'bm25s', 'scipy', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: limitlab" in done.stdout
    assert _seconds("import sys; sys.argv = ['limitlab', '--version']; import limitlab.cli.main") <= 0.5


def test_public_names_are_the_documented_ones():
    import limitlab

    assert limitlab.__all__ == ["__version__", *sorted(limitlab._HOME_OF)]
    for name in limitlab.__all__:
        assert getattr(limitlab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = limitlab.nothing
