"""The client of all services: repetitions, limits, redirects, and keys that are never shown."""

from __future__ import annotations

import pickle
import threading

import httpx
import pytest

from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab.retrieval.remote.http import Client, batches
from limitlab.retrieval.remote.journal import Journal
from limitlab.retrieval.remote.keys import Secret, filled, key_from_environment


def client(answer, **options):
    return Client("svc", "http://localhost:1", transport=httpx.MockTransport(answer), **{"first_wait": 0.0, **options})


def test_failures_are_repeated_until_an_answer_comes():
    seen = []

    def answer(request):
        seen.append(request)
        if len(seen) == 1:
            return httpx.Response(429, headers={"retry-after": "0"})
        if len(seen) == 2:
            raise httpx.ReadTimeout("slow")
        return httpx.Response(200, json={"ok": 1}) if len(seen) > 3 else httpx.Response(503)

    made = client(answer)
    assert made.post("/x", {"a": 1}) == {"ok": 1}
    assert (made.traffic.requests, made.traffic.retries) == (1, 3)
    assert all(r.content == b'{"a": 1}' for r in seen)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_refusals_are_not_repeated_and_keep_the_services_words(status):
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(status, text="no such  collection")

    with pytest.raises(ServiceError, match=f"answered with {status}: no such collection") as error:
        client(answer).post("/x", {})
    assert error.value.status == status and len(seen) == 1


def test_repetitions_end():
    with pytest.raises(ServiceError, match="answered with 500"):
        client(lambda r: httpx.Response(500), retries=2).get("/x")

    def broken(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(ServiceError, match="did not answer after 3 attempts: refused"):
        client(broken, retries=2).get("/x")


def test_a_connection_that_was_never_made_is_given_up_soon_and_a_restarting_service_is_not():
    asked = []

    def answer(request):
        asked.append(request)
        if answers.pop(0):
            return httpx.Response(200, json={})
        raise httpx.ConnectError("refused")

    answers = [False] * 10
    with pytest.raises(ServiceError, match="did not answer after 3 attempts: refused"):
        client(answer, retries=6).get("/x")
    answers, made = [True, False, False, False, False, True], client(answer, retries=6)
    made.get("/x")
    assert made.get("/x") == {} and made.traffic.retries == 4


def test_a_short_key_is_hidden_where_it_stands_alone():
    told = client(lambda r: httpx.Response(401, text="bad key ab in the cabinet"), headers={"api-key": Secret("ab", "K")})
    with pytest.raises(ServiceError, match=r"bad key \*\*\* in the cabinet"):
        told.get("/x")


def test_long_and_malformed_answers_are_refused():
    with pytest.raises(ServiceError, match="at most 10 bytes"):
        client(lambda r: httpx.Response(200, text="x" * 11), max_bytes=10).get("/x")
    with pytest.raises(ServiceError, match="must be JSON; got <html>"):
        client(lambda r: httpx.Response(200, text="<html>")).get("/x")
    assert client(lambda r: httpx.Response(204)).get("/x") is None


def test_redirects_stay_with_the_host():
    def answer(request):
        if request.url.path == "/a":
            return httpx.Response(307, headers={"location": "/b"})
        if request.url.path == "/away":
            return httpx.Response(307, headers={"location": "http://other.example/b"})
        if request.url.path == "/round":
            return httpx.Response(302, headers={"location": "/round"})
        return httpx.Response(200, json=request.method)

    made = client(answer)
    assert made.post("/a", {}) == "POST"
    assert made.traffic.redirects == 1
    with pytest.raises(ServiceError, match="redirect to another host is not followed"):
        made.post("/away", {})
    with pytest.raises(ServiceError, match="more than 3 redirects"):
        made.get("/round")


def test_keys_are_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-12345")
    secret = filled("svc", "Bearer ${MY_KEY}")
    assert secret.reveal() == "Bearer sk-12345"
    assert "12345" not in f"{secret!r} {secret}"
    with pytest.raises(TypeError, match="cannot be stored"):
        pickle.dumps(secret)

    def answer(request):
        assert request.headers["authorization"] == "Bearer sk-12345"
        return httpx.Response(401, text=f"bad key {request.headers['authorization']}, sk-12345")

    with pytest.raises(ServiceError) as error:
        client(answer, headers={"Authorization": secret}).get("/x")
    assert "12345" not in str(error.value) and "***" in str(error.value)


def test_a_missing_key_names_its_variable(monkeypatch):
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(InvalidArgument, match="export NO_KEY="):
        key_from_environment("svc", "NO_KEY")
    assert key_from_environment("svc", "NO_KEY", needed=False) is None
    monkeypatch.setenv("NO_KEY", "zwölf")
    with pytest.raises(InvalidArgument, match="printable ASCII"):
        key_from_environment("svc", "NO_KEY")


@pytest.mark.parametrize("template", ["Bearer ${sk-abc-123}", "ApiKey ${abc.123}", "${A_KEY} ${abc-123"])
def test_a_key_in_the_place_of_its_name_is_refused_and_not_shown(monkeypatch, template):
    monkeypatch.setenv("A_KEY", "${HOME}")  # what a variable holds is sent as it is
    with pytest.raises(InvalidArgument, match="must hold the NAME of an environment variable") as error:
        filled("svc", template)
    assert "123" not in str(error.value)
    assert filled("svc", "Bearer ${A_KEY}").reveal() == "Bearer ${HOME}"


@pytest.mark.parametrize(
    "url", ["http://localhost:80", "http://127.0.0.1", "http://192.168.1.4:9380", "http://ragflow", "https://api.example.com"]
)
def test_keys_go_to_private_hosts_and_over_tls(url):
    Client("svc", url, headers={"X": Secret("k", "K")})


@pytest.mark.parametrize("host", ["api.example.com", "134744072", "0x08080808", "0x8.0x8.0x8.0x8", "[::ffff:8.8.8.8]", "8.8.8.8"])
def test_keys_do_not_go_over_plain_http_to_others(host):
    with pytest.raises(InvalidArgument, match="only to this machine and private networks"):
        Client("svc", f"http://{host}", headers={"X": Secret("k", "K")})
    Client("svc", "http://api.example.com", headers={"X": Secret("k", "K")}, allow_http=True)
    Client("svc", "http://api.example.com")


def test_keys_in_plain_http_do_not_go_through_a_proxy(monkeypatch):
    """A proxy of the environment could read them; what is encrypted, or holds no key, may take it."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    key = {"X": Secret("k", "K")}

    def proxied(url, **options):
        return bool(Client("svc", url, **options)._client._mounts)

    assert not proxied("http://10.0.0.7", headers=key) and not proxied("http://api.example.com", headers=key, allow_http=True)
    assert proxied("http://10.0.0.7") and proxied("https://api.example.com", headers=key)


@pytest.mark.parametrize("url", ["ftp://host", "host:80", "http://", "https://user:pass@host"])
def test_other_addresses_are_refused(url):
    with pytest.raises(InvalidArgument, match="address must"):
        Client("svc", url)


def test_order_is_kept_and_the_limit_of_concurrency_too():
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Event()

    def ask(i):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 3:
                gate.set()
        gate.wait(5)
        with lock:
            running -= 1
        return i * i

    done = []
    assert client(lambda r: httpx.Response(200), concurrency=3).ordered(ask, list(range(12)), done=done.append) == [
        i * i for i in range(12)
    ]
    assert most == 3 and sorted(done) == list(range(12))


def test_the_first_error_ends_what_has_not_begun():
    asked = []

    def ask(i):
        asked.append(i)
        raise ServiceError("svc: no.", status=400)

    with pytest.raises(ServiceError, match="svc: no"):
        client(lambda r: httpx.Response(200), concurrency=1).ordered(ask, list(range(100)))
    assert len(asked) < 100


def test_batches_keep_order_and_both_limits():
    assert batches(range(5), most=2) == [[0, 1], [2, 3], [4]]
    assert batches([3, 3, 9, 1], most=9, size=lambda x: x, most_size=6) == [[3, 3], [9], [1]]


def test_a_journal_keeps_answers_of_a_killed_run_only(tmp_path):
    first = Journal({"service": "a"}, folder=tmp_path)
    first.put({"q": 1}, [1, 2])
    again = Journal({"service": "a"}, folder=tmp_path)
    assert again.get({"q": 1}) == [1, 2] and again.get({"q": 2}) is None
    assert Journal({"service": "b"}, folder=tmp_path).get({"q": 1}) is None
    assert Journal({"service": "a"}, folder=tmp_path, max_age_seconds=-1).get({"q": 1}) is None
    again.close(finished=True)
    assert Journal({"service": "a"}, folder=tmp_path).get({"q": 1}) is None
