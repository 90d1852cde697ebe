"""``limitlab gate``: exit code 0 when every check holds, 3 when one does not, 1 when there is no answer."""

from __future__ import annotations

from limitlab._core.status import Status
from limitlab.ledger import Ledger


def test_it_passes_and_fails_by_its_exit_code(cli, limit_folder):
    passed = cli("gate", limit_folder, "-m", "bm25", "--min", "recall@2=0.5", "--max-tie-rate", "1")
    assert (passed.code, passed.err) == (0, "")
    assert "gate passed: 2 of 2 checks hold" in passed.out and "R@2" in passed.out
    failed = cli("gate", limit_folder, "-m", "bm25", "-m", "token-sums", "--dim", "2", "--min", "recall@2=0.9", "--min", "bm25:mrr@10=0.1")
    assert failed.code == 3
    assert "gate not met: 1 of 3 checks do not hold" in failed.out and "NOT MET" in failed.out


def test_json_has_checks_and_evaluation(cli, limit_folder):
    found = cli("gate", limit_folder, "-m", "token-sums", "--dim", "2", "--min", "R@2=0.9", "--json")
    told = found.json()
    assert found.code == 3 and told["schema"] == "limitlab.gate/1" and told["passed"] is False
    assert told["checks"][0]["limit"] == 0.9 and told["evaluation"]["schema"] == "limitlab.evaluation/1"


def test_a_drop_from_the_baseline_fails(cli, limit_folder):
    base = cli("eval", limit_folder, "-m", "token-sums", "--dim", "256", "--measure", "recall@10", "--json").json()["run_ids"][0]
    same = cli("gate", limit_folder, "-m", "token-sums", "--dim", "256", "--baseline", "last")
    assert same.code == 0 and "recall@10 no drop from token-sums@256" in same.out
    worse = cli("gate", limit_folder, "-m", "token-sums", "--dim", "2", "--baseline", base)
    assert worse.code == 3 and "p = " in worse.out
    assert cli("gate", limit_folder, "-m", "token-sums", "--dim", "2", "--baseline", base, "--alpha", "0").code == 0


def test_rows_come_from_the_ledger_as_in_eval(cli, limit_folder):
    first = cli("eval", limit_folder, "-m", "bm25", "--measure", "recall@2", "--json").json()
    again = cli("gate", limit_folder, "-m", "bm25", "--min", "recall@2=0.1", "--json").json()["evaluation"]
    assert again["rows"] == first["rows"]
    assert [run.kind for run in Ledger().runs()] == ["eval", "eval"]


def test_refusals_come_before_anything_is_measured(cli, limit_folder):
    cli("gate", limit_folder, "-m", "bm25").refused(
        1, "InvalidArgument: gate: at least one of --min, --max-tie-rate, --baseline and --max-loss"
    )
    cli("gate", limit_folder, "-m", "bm25", "--min", "recall@2").refused(1, "InvalidArgument: --min: MEASURE=VALUE or ROW:MEASURE=VALUE")
    cli("gate", limit_folder, "-m", "bm25", "--min", "recall@2=90").refused(1, "RangeError: --min: recall@2 must be in [0, 1]")
    cli("gate", limit_folder, "-m", "bm25", "--baseline", "nope").refused(1, "UnknownName: ledger: a run id")
    cli("gate", limit_folder, "-m", "bm25", "--baseline", "last", "--alpha", "7").refused(1, "RangeError: gate: alpha must be in [0, 1]")
    assert Ledger().runs() == []
    assert cli("gate", limit_folder).code == 2


def test_a_run_that_is_no_evaluation_is_no_baseline(cli, limit_folder):
    ledger = Ledger()
    ledger.finish(ledger.start("free", "something else", {}), Status.SOLVED)
    cli("gate", limit_folder, "-m", "bm25", "--baseline", "last").refused(
        1, "InvalidArgument: --baseline: the run must be an evaluation; run "
    )


def test_a_failed_retriever_is_an_error_and_not_an_answer(cli, limit_folder):
    found = cli("gate", limit_folder, "-m", "bm25:stopwords=klingon", "--min", "recall@2=0")
    assert found.code == 1 and "stopwords must be 'none' or a language" in found.out
