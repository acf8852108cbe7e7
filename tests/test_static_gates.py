"""What may stand nowhere in the code: each rule is shown to see what it forbids."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path
    for folder in ("rnnviz", "dashboard", "release", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
)
REGISTRIES = [  # in two halves, so that this file does not have them either
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "deb.deb" + "ian.org",
    "conda.ana" + "conda.org",
    "crates" + ".io",
    "proxy.gol" + "ang.org",
    "docker" + ".io",
    "quay" + ".io",
    "gh" + "cr.io",
]
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve"}
NETWORK = {"requests", "httpx", "aiohttp", "urllib3", "urllib.request", "http.client", "ftplib"}
CACHES = {"st.cache_data", "st.cache_resource", "streamlit.cache_data", "streamlit.cache_resource"}
EXCEPTIONS = {
    ("rnnviz/interop/torch_file.py", "pickle"): "the name of the error that PyTorch raises",
    ("rnnviz/interop/torch_file.py", "torch.load"): "of weights alone, in a process of its own",
    ("rnnviz/diagnostics/truncation.py", "norm"): "the largest entry is taken out before",
    ("rnnviz/diagnostics/precision.py", "norm"): "the largest entry is taken out before",
    ("rnnviz/diagnostics/directions.py", "norm"): "the largest entry is taken out before",
    ("rnnviz/diagnostics/newton.py", "norm"): "held against 1e-15 beside 1",
    ("rnnviz/diagnostics/fixed_points.py", "norm"): "held against a tolerance beside 1",
    ("rnnviz/products.py", "cache"): "one entry a precision, of which there are two",
    ("dashboard/chart/server.py", "cache"): "one entry a file that it ships",
    ("release/smoke.py", "network"): "asks the app that it started, on this machine",
}
FORBIDDEN = {
    "allow_pickle": "np.load(file, allow_pickle=True)",
    "html": "st.markdown(text, unsafe_allow_html=True)",
    "norm": "np.linalg.norm(dh)",
    "pickle": "import cloudpickle",
    "torch.load": "torch.load(file, weights_only=True)",
    "network": "from urllib.request import urlopen",
    "cache": "@st.cache_data\ndef f(x): ...",
}
"""What each rule is there for."""
BY_RUFF = {
    "S102": "exec(text)",
    "S301": "import pickle\npickle.loads(data)",
    "S307": "eval(text)",
    "S506": "import yaml\nyaml.load(text)",
    "S602": "import subprocess\nsubprocess.run(text, shell=True)",
    "S605": "import os\nos.system(text)",
    "NPY002": "import numpy as np\nnp.random.seed(0)",
}


def broken(source):
    """The rules that a source breaks."""
    return {rule for node in ast.walk(ast.parse(source)) for rule in _broken(node)}


def _broken(node):
    if isinstance(node, ast.keyword):
        off = isinstance(node.value, ast.Constant) and node.value.value is False
        yield from {"allow_pickle": ["allow_pickle"], "unsafe_allow_html": ["html"]}.get(
            None if off else node.arg, []
        )
    if isinstance(node, ast.Attribute):
        name = ast.unparse(node)
        yield from ["norm"] * name.endswith("linalg.norm")
        yield from ["torch.load"] * (name == "torch.load")
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imported(node)
    if isinstance(node, ast.FunctionDef):
        yield from ["cache" for one in node.decorator_list if _unbounded(one, node)]


def _imported(node):
    names = [one.name for one in node.names]
    if isinstance(node, ast.ImportFrom):
        names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
    roots = {name.partition(".")[0] for name in names}
    yield from ["pickle"] * bool(PICKLES & roots)
    yield from ["network"] * bool(NETWORK & (roots | {*names}))
    yield from ["norm"] * any(name.endswith("linalg.norm") for name in names)


def _unbounded(decorator, function):
    name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    words = ast.unparse(decorator)
    if name in CACHES:
        return "max_entries=" not in words
    takes = bool(function.args.args or function.args.kwonlyargs)
    return takes and (name in {"cache", "functools.cache"} or words.endswith("cache(maxsize=None)"))


def test_nothing_forbidden_stands_in_the_code():
    found = {
        (path.relative_to(ROOT).as_posix(), rule)
        for path in FILES
        for rule in broken(path.read_text(encoding="utf-8"))
    }
    assert found == {*EXCEPTIONS}  # and no exception is there for nothing


@pytest.mark.parametrize("rule", FORBIDDEN)
def test_a_rule_sees_what_it_forbids(rule):
    assert broken(FORBIDDEN[rule]) == {rule}


@pytest.mark.parametrize(
    "source",
    [
        "np.load(file, allow_pickle=False)",
        "@st.cache_data(max_entries=8)\ndef f(x): ...",
        "@cache\ndef f(): ...",
        "from urllib.parse import quote",
    ],
)
def test_a_rule_lets_what_is_safe(source):
    assert not broken(source)


@pytest.mark.parametrize("rule", BY_RUFF)
def test_make_check_sees(rule):
    said = ruff(
        "--output-format=concise", "--stdin-filename=rnnviz/new.py", "-", code=BY_RUFF[rule]
    )
    assert f" {rule} " in said.stdout


def test_no_line_silences_those_rules():
    folders = ["rnnviz", "dashboard", "release", "benchmarks"]
    said = ruff("--ignore-noqa", f"--select={','.join(BY_RUFF)}", *folders)
    assert said.returncode == 0, said.stdout


def ruff(*words, code=None):
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *words]
    return subprocess.run(
        command, input=code, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_pytorch_reads_weights_alone():
    source = (ROOT / "rnnviz/interop/torch_file.py").read_text(encoding="utf-8")
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    (load,) = [call for call in calls if ast.unparse(call.func) == "torch.load"]
    (alone,) = [word.value for word in load.keywords if word.arg == "weights_only"]
    assert ast.unparse(alone) == "True"


def test_no_file_names_a_package_registry():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (path := ROOT / name).is_file():
            data = path.read_bytes().lower()
            assert not [host for host in REGISTRIES if host.encode() in data], name
