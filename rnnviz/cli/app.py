"""``rnnviz app``: the app in a browser."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from rnnviz.runfile.limits import FOLDER


@click.command("app")
@click.option(
    "--runs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of run files for the page Runs: a gallery, and the newest as it is written.",
)
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="What to listen on; whoever can reach it can use the app.",
)
@click.option("--no-browser", is_flag=True, help="Open no browser window.")
def app_command(runs: Path | None, port: int, address: str, no_browser: bool) -> None:
    """Open the app; Ctrl-C ends it."""
    script = app_script()
    command = serving(script, port, address, no_browser=no_browser)
    environment = {**os.environ, **({FOLDER: str(runs.resolve())} if runs else {})}
    os.chdir(script.parent.parent)  # where .streamlit/config.toml is
    if sys.platform == "win32":
        raise SystemExit(subprocess.call(command, env=environment))
    os.execve(command[0], command, environment)  # so that a signal to this process is the app's


def app_script() -> Path:
    """The file that Streamlit runs.

    Raises
    ------
    ValueError
        If the package was installed without the app.
    """
    found = importlib.util.find_spec("dashboard")
    folders = list(found.submodule_search_locations or []) if found else []
    scripts = [Path(folder) / "app.py" for folder in folders]
    for script in scripts:
        if script.is_file():
            return script.resolve()
    raise ValueError("the app must be installed beside rnnviz, and no dashboard/app.py was found")


def serving(script: Path, port: int, address: str, *, no_browser: bool) -> list[str]:
    """The command that serves it."""
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": str(no_browser).lower(),
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(script), *words]
