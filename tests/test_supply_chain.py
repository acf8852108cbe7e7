"""What the app runs on is locked by hash, recent enough, freely licensed and listed."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from dashboard import limits
from dashboard.guard import settings
from release.installed import ROOT as APP
from release.installed import installed
from release.licences import allowed, licence
from release.lock import LOCK, read_lock
from release.sbom import plotly_js, sbom, write
from rnnviz.interop.limits import FILE_BYTES

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SERVING = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Serving it to a class")[2]
LOCKED = {one.name: one for one in read_lock(LOCK.read_text(encoding="utf-8"))}
HERE = {name: one for name, one in LOCKED.items() if one.applies}
BUILDS = {"setuptools"}
"""Locked since the package is built with it; the app does not need it."""
LEAST = {
    "streamlit": ("1.54.0", "CVE-2026-33682: any visitor has the server call other hosts"),
    "starlette": ("1.1.0", "CVE-2026-48818: static files reach other machines on Windows"),
    "numpy": ("1.16.3", "CVE-2019-6446: np.load unpickles unless told not to"),
    "distributed": ("2026.1.0", "CVE-2026-23528: a link to the cluster's own page runs code there"),
}
GNU = {
    "numpy": "the runtime library of GCC, whose exception lets any program carry it",
    "scipy": "the same library",
    "pyarrow": "LLVM's exception speaks of GPLv2; nothing is under it",
    "pandas": "the history of Python's licence",
    "typing-extensions": "the history of Python's licence",
    "pillow": "FreeType lets choose between its own licence and the GPL; FriBiDi is loaded, LGPL",
}
"""Packages whose licence files name a GNU licence, and why they can be passed on."""


def pinned():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-e"))]


def floor(name):
    asked = {one.name: one for one in map(Requirement, PROJECT["dependencies"])}[name]
    return max(Version(part.version) for part in asked.specifier if part.operator == ">=")


def test_each_package_of_the_lock_has_hashes_and_names_no_place_to_fetch_it_from():
    assert len(LOCKED) > 70
    assert all(one.hashes for one in LOCKED.values())
    assert "://" not in LOCK.read_text(encoding="utf-8")


@pytest.mark.parametrize("line", ["zict==3.0.0", "zict>=3 --hash=sha256:" + 64 * "0", "zict==3.*"])
def test_a_lock_without_hash_or_version_is_refused(line):
    with pytest.raises(ValueError, match="zict must"):
        read_lock(line)


def test_the_lock_has_the_versions_of_the_requirements():
    for one in pinned():
        assert one.specifier.contains(LOCKED[canonicalize_name(one.name)].version), one


def test_the_lock_has_all_that_the_app_needs_here_and_no_more():
    assert {*HERE} == ({*installed()} - {APP}) | BUILDS


def test_the_packages_under_test_are_those_of_the_lock():
    found = {name: one.version for name, one in installed().items() if name != APP}
    assert found == {name: one.version for name, one in HERE.items() if name not in BUILDS}


def test_compiled_packages_are_locked_for_more_systems_than_this_one():
    for name in ("numpy", "scipy", "pandas", "pyarrow", "h5py", "safetensors", "pydantic-core"):
        assert len(LOCKED[name].hashes) >= 15, name


@pytest.mark.parametrize("name", LEAST)
def test_neither_the_bounds_nor_the_lock_let_a_known_hole_in(name):
    least, hole = LEAST[name]
    assert floor(name) >= Version(least), hole
    assert Version(LOCKED[name].version) >= Version(least), hole


def test_plotly_js_is_after_its_pollution_of_prototypes():  # CVE-2023-46308
    assert Version(plotly_js(installed()["plotly"])["version"]) >= Version("2.25.2")


def test_no_framework_is_locked_and_the_server_imports_none():
    frameworks = {"torch", "tensorflow", "jax", "keras"}
    assert not frameworks & {*LOCKED}
    script = "import sys, dashboard.app, rnnviz.cli; print(*sys.modules)"
    words = [sys.executable, "-c", script]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "streamlit" in told.split()
    assert not frameworks & {*told.split()}


@pytest.mark.parametrize("name", sorted({*HERE} | {APP}))
def test_its_licence_is_known_and_allowed(name):
    assert allowed(found := licence(distribution(name).metadata)), found


def test_licence_files_that_name_a_gnu_licence_were_read():
    def names_gnu(name):
        files = [file for file in distribution(name).files or [] if "dist-info" in str(file)]
        texts = [file.locate() for file in files if "licen" in str(file).lower()]
        return any(b"GPL" in path.read_bytes() for path in texts if path.is_file())

    assert {name for name in {*HERE} - BUILDS if names_gnu(name)} <= {*GNU}


def test_the_list_of_what_is_in_it_is_whole_and_the_same_each_time(tmp_path):
    for name in ("one", "other"):
        write(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
    found = json.loads((tmp_path / "one").read_text(encoding="utf-8"))
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    listed = {one["name"]: one["version"] for one in found["components"]}
    assert listed.pop("plotly.js")
    assert listed == {name: one.version for name, one in HERE.items() if name not in BUILDS}
    assert all(allowed(one["licenses"][0]["expression"]) for one in found["components"])


def test_each_in_the_list_is_needed_by_another():
    found = sbom()
    names = {one["bom-ref"] for one in found["components"]}
    needed = {other for one in found["dependencies"] for other in one["dependsOn"]}
    assert names == needed
    assert {one["ref"] for one in found["dependencies"]} == names | {
        found["metadata"]["component"]["bom-ref"]
    }


def test_the_app_keeps_its_settings_where_it_is_installed():
    beside = ROOT / "dashboard" / ".streamlit" / "config.toml"
    assert beside.read_bytes() == (ROOT / ".streamlit" / "config.toml").read_bytes()
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert ".streamlit/config.toml" in tool["setuptools"]["package-data"]["dashboard"]


def instructions():
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines]


def test_the_image_is_made_of_the_lock_and_runs_without_rights():
    said = instructions()
    assert all(
        re.fullmatch(r"python:3\.\d+-slim-\w+( AS build)?", of) for at, of in said if at == "FROM"
    )
    installs = [of for at, of in said if at == "RUN" and "pip install" in of]
    assert all("--require-hashes" in one or "--no-deps" in one for one in installs)
    assert [of for at, of in said if at == "USER"][-1].isdigit()
    assert [of for at, of in said if at == "ARG"] == ["CHROMIUM="]
    assert "/_stcore/health" in dict(said)["HEALTHCHECK"]
    assert {"--address", "0.0.0.0"} <= {*json.loads(dict(said)["CMD"])}


def test_what_the_image_copies_is_there_and_let_through():
    let = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copies = [of for at, of in instructions() if at == "COPY" and "--from" not in of]
    for name in (name for of in copies for name in of.split()[:-1]):
        assert (ROOT / name).exists()
        assert f"!{name}" in let


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        ("open pages", [limits.SESSIONS]),
        ("an uploaded file", [FILE_BYTES >> 20, limits.UPLOADS, limits.ALL_UPLOADS]),
        ("one run", [round(limits.RUN_SECONDS), limits.RUN_LIMIT >> 20]),
        (
            "runs of one visitor",
            [limits.RUNS_KEPT, limits.RUNS_LIMIT >> 20, limits.ALL_RUNS_LIMIT >> 20],
        ),
        ("files of trainings on the disk", [limits.KEPT_BYTES >> 20]),
    ],
)
def test_the_readme_tells_the_limits_that_hold(row, figures):
    told = re.search(rf"^\| {row} \| (.+) \|$", SERVING, re.MULTILINE)[1]
    assert [int(number) for number in re.findall(r"\d+", told)] == figures


def test_the_readme_names_what_who_serves_may_set():
    assert settings.HOSTS in SERVING
    assert settings.MOST_SESSIONS in SERVING
