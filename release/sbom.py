"""What is in the app, as CycloneDX JSON: ``python -m release.sbom FILE`` writes it.

Only what is installed decides what it says, so that the same packages give the same bytes.
"""

import json
import re
import sys
import uuid
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Final

from release.installed import ROOT, installed, requires
from release.licences import licence

Json = dict[str, Any]

SCRIPT: Final = "plotly/package_data/plotly.min.js"
"""Where plotly has the script that draws, which is a project of its own."""
_BANNER: Final = re.compile(r"plotly\.js v(\S+)\s.*?Licensed under the (\S+) license", re.DOTALL)


def sbom() -> Json:
    """The app and each package that it needs here, with version and licence, and which needs which.

    plotly.js, which plotly brings, is named beside them.
    """
    found = installed()
    script = plotly_js(found["plotly"])
    others = [_component(name, one) for name, one in found.items() if name != ROOT]
    document: Json = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**_component(ROOT, found[ROOT]), "type": "application"}},
        "components": [*others, script],
        "dependencies": _dependencies(found, script["bom-ref"]),
    }
    named = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": named.urn}


def plotly_js(plotly: Distribution) -> Json:
    """The component for the script in plotly, by the words at its head.

    Raises
    ------
    ValueError
        If they do not tell its version and licence.
    """
    path = Path(str(plotly.locate_file(SCRIPT)))
    with path.open(encoding="utf-8") as file:
        told = _BANNER.search(file.read(1000))
    if told is None:
        raise ValueError(f"{SCRIPT} must tell its version and licence at its head")
    return _described("plotly.js", told[1], f"pkg:npm/plotly.js@{told[1]}", told[2])


def _component(name: str, one: Distribution) -> Json:
    return _described(name, one.version, _reference(name, one), licence(one.metadata))


def _reference(name: str, one: Distribution) -> str:
    return f"pkg:pypi/{name}@{one.version}"


def _described(name: str, version: str, reference: str, spdx: str) -> Json:
    return {
        "type": "library",
        "bom-ref": reference,
        "name": name,
        "version": version,
        "purl": reference,
        "licenses": [{"expression": spdx}],
    }


def _dependencies(found: dict[str, Distribution], script: str) -> list[Json]:
    names = {name: _reference(name, one) for name, one in found.items()}
    needs = {name: [names[other] for other in requires(name)] for name in found}
    needs["plotly"].append(script)
    listed = [{"ref": names[name], "dependsOn": needs[name]} for name in found]
    return [*listed, {"ref": script, "dependsOn": []}]


def write(path: Path) -> None:
    """The list as a file."""
    path.write_text(json.dumps(sbom(), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
