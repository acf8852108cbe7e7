"""What the README shows works, and its table of dependencies is complete."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements):
    return {re.match(r"[A-Za-z0-9-]+", line)[0] for line in requirements}


def pinned():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-e"))]


def test_the_example_runs_and_says_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    exec(compile(example, "README.md", "exec"), {})
    assert "Each step back keeps" in capsys.readouterr().out
    assert (tmp_path / "panel.html").stat().st_size > 1_000_000


def test_every_dependency_is_pinned_exactly_and_has_its_reason():
    assert all(re.fullmatch(r"[\w-]+==[0-9.]+(; sys_platform .+)?", line) for line in pinned())
    section = README.partition("| dependency |")[2]
    table = set(re.findall(r"^\| ([\w-]+) \|", section, re.MULTILINE))
    assert names(pinned()) == names(PROJECT["dependencies"]) == table


def test_the_commands_and_the_picture_it_names_are_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    for path in re.findall(r"\]\(([\w/.]+\.\w+)\)", README):
        assert (ROOT / path).exists()
