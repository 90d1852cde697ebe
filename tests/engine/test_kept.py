"""Values made once a process: the last ones, and no more."""

from __future__ import annotations

import threading

from limitlab.engine.kept import MOST, Keeper, forget, kept


def test_a_value_is_made_once():
    forget()
    made = []
    for _ in range(3):
        assert kept("model", lambda: made.append(1) or "loaded") == "loaded"
    assert kept("none", lambda: None) is None and kept("none", lambda: 1 / 0) is None, "None is a value too"
    assert made == [1]
    forget()
    kept("model", lambda: made.append(2) or "loaded")
    assert made == [1, 2]
    forget()


def test_the_one_not_asked_for_longest_goes():
    keeper, made = Keeper(2), []
    for key in "abacab":
        keeper.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"], "a was asked for again, so b went when c came"
    assert MOST >= 2


def test_a_value_that_fails_is_tried_again():
    keeper = Keeper(1)
    for _ in range(2):
        try:
            keeper.get("x", lambda: 1 / 0)
        except ZeroDivisionError:
            continue
    assert keeper.get("x", lambda: 5) == 5


def test_threads_make_it_once():
    keeper, made = Keeper(1), []
    threads = [threading.Thread(target=lambda: keeper.get("x", lambda: made.append(1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
