"""Names: whose page may ask, and under which name."""

import pytest

from dashboard.guard.headers import policy
from dashboard.guard.hosts import is_here, is_own
from dashboard.guard.settings import hosts

NAMES = hosts({"RNNVIZ_HOSTS": " rnn.example.org, *.Example.net ,,"})


def test_names_are_read_from_the_environment() -> None:
    assert NAMES == ("rnn.example.org", "*.example.net")
    assert hosts({}) == ()


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8501", "localhost.", "127.0.0.1:8501", "[::1]:8501", "10.1.2.3"],
)
def test_this_machine_and_plain_addresses_are_here(host: str) -> None:
    assert is_here(host, ())


@pytest.mark.parametrize("host", ["rnn.example.org", "RNN.Example.org:443", "a.b.example.net"])
def test_a_name_that_was_set_is_here_and_otherwise_not(host: str) -> None:
    assert is_here(host, NAMES)
    assert not is_here(host, ())


@pytest.mark.parametrize(
    "host",
    [
        "",
        "attacker.example",
        "localhost.attacker.example",
        "example.net",
        "rnn.example.org.evil.com",
        "xrnn.example.org",
        "user@localhost",
        "localhost/x",
        "localhost:x",
        "localhost:99999",
        "[::1",
        "127.0.0.1.nip.io",
        "0x7f.1",
        "*",
    ],
)
def test_another_name_is_not_here(host: str) -> None:
    assert not is_here(host, NAMES)


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8501", "localhost:8501", True),
        ("https://LOCALHOST:8501", "localhost:8501", True),
        ("http://localhost:9999", "localhost:8501", False),
        ("http://127.0.0.1:8501", "localhost:8501", False),
        ("https://rnn.example.org", "127.0.0.1:8501", True),
        ("https://evil.com", "rnn.example.org", False),
        ("null", "localhost:8501", False),
        ("", "localhost:8501", False),
        ("file://", "localhost:8501", False),
        ("http://localhost:8501/x", "localhost:8501", False),
    ],
)
def test_a_page_is_own_by_its_origin(origin: str, host: str, own: bool) -> None:
    assert is_own(origin, host, NAMES) == own


def test_the_policy_names_the_sockets_of_this_host_and_nothing_that_is_no_host() -> None:
    assert " ws://[::1]:8501 wss://[::1]:8501;" in policy("[::1]:8501")
    assert "connect-src 'self';" in policy("x; script-src *")
    assert "connect-src 'self';" in policy("")
