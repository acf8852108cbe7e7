"""Settings from a file, and the files that are refused: reliability's cases J01 to J17."""

import json
import time
import tracemalloc

import pytest

import rnnviz as rv
from rnnviz.config.file import BYTES, parse_config, read_config

SECONDS = 1.0
"""The longest that a file may take on one core, whatever is in it."""
MEMORY = 20 << 20

# Shapes that lead a scanner of quotes astray would show here as a second or a gigabyte.
ASTRAY = b'a = [""" x """", {' + b"b." * 900 + b'b = 1}, "y"]'

REFUSED = {
    "json-deep": (".json", b"[" * 100_00, "at most 8 brackets within brackets"),
    "json-deep-objects": (".json", b'{"a":' * 9_000, "line 1: at most 8 brackets"),
    "toml-deep-arrays": (".toml", b"a = 1\na = " + b"[" * 900 + b"]" * 900, "line 2: at most 8"),
    "toml-deep-tables": (".toml", b"{a=" * 500, "at most 8 brackets within brackets"),
    "toml-long-key": (".toml", b"a" + b".a" * 30_000 + b" = 1", "line 1: at most 8 parts"),
    "toml-long-quoted-key": (".toml", b'"a"' + b'."a"' * 15_000 + b" = 1", "at most 8 parts"),
    "toml-long-header": (".toml", b"\n[a" + b" . a" * 15_000 + b"]", "line 2: at most 8 parts"),
    "toml-long-inline-key": (".toml", b"a = {b" + b".b" * 30_000 + b"=1}", "at most 8 parts"),
    "toml-quotes-astray": (".toml", ASTRAY, "at most 8 parts"),
    "toml-quotes-without-end": (".toml", b'\\"""\n' * 13_000, "line 1, column 1"),
    "json-nan": (".json", b'{"gain": NaN}', r"gain must be in \[0, 10\], got nan"),
    "json-infinity": (".json", b'{"gain": -Infinity}', r"gain must be in \[0, 10\], got -inf"),
    "json-1e999": (".json", b'{"hidden_size": 1e999}', r"in \[1, 1024\], got inf"),
    "toml-nan": (".toml", b"gain = nan", r"gain must be in \[0, 10\], got nan"),
    "toml-inf": (".toml", b"steps = inf", "steps must be .*, got inf"),
    "json-twice": (".json", b'{"gain": 1, "gain": 2}', "'gain' is given twice"),
    "toml-twice": (".toml", b"gain = 1\ngain = 2", "cannot overwrite a value"),
    "text": (".toml", b'hidden_size = "64"', "must be a whole number in .*, got '64'"),
    "null": (".json", b'{"hidden_size": null}', "must be a whole number in .*, got nothing"),
    "list": (".json", b'{"hidden_size": [64]}', r"must be a whole number in .*, got \[64\]"),
    "object": (".json", b'{"hidden_size": {}}', r"must be a whole number in .*, got \{\}"),
    "bool": (".toml", b"hidden_size = true", "must be a whole number in .*, got True"),
    "half": (".toml", b"hidden_size = 1.5", "must be a whole number in .*, got 1.5"),
    "date": (".toml", b"gain = 1979-05-27", r"gain must be a number in .*, got datetime.date"),
    "number-for-a-name": (".json", b'{"cell": 1}', "cell must be one of .*, got 1$"),
    "no-such-cell": (".json", b'{"cell": "<b>"}', "cell must be one of .*, got '<b>'"),
    "out-of-range": (".toml", b"hidden_size = 0", r"hidden_size must be in \[1, 1024\], got 0"),
    "hex": (".toml", b"seed = 0x" + b"f" * 9_000, "got a whole number of more than 60 digits"),
    "hex-preset": (".toml", b"preset = 0x" + b"f" * 9_000, "preset must be the name of a preset"),
    "digits": (".json", b'{"seed": ' + b"9" * 9_000 + b"}", "too many digits"),
    "toml-digits": (".toml", b"seed = " + b"9" * 9_000, "too many digits"),
    "empty": (".toml", b"", "got an empty file"),
    "only-bom": (".json", b"\xef\xbb\xbf", "got an empty file"),
    "only-spaces": (".toml", b" \n\t\n", "got an empty file"),
    "utf-16": (".toml", "gain = 1".encode("utf-16"), "must be UTF-8 text, got UTF-16"),
    "latin-1": (".toml", b"# caf\xe9", "got a byte 0xe9 at offset 5"),
    "nul": (".toml", b"gain = 1\x00", "line 1, column 9"),
    "one-byte-too-many": (".json", b"{}" + b" " * (BYTES - 1), "at most 64 KB"),
    "yaml": (".toml", b"cell: lstm", r"line 1, column 5: expected '=' .*\(read as TOML\)"),
    "python": (".json", b"{'gain': 1}", r"line 1, column 2: expecting property name"),
    "comma": (".json", b'{"gain": 1,\n}', r"line \d, column \d+: .*\(read as JSON\)"),
    "comment": (".json", b'// mine\n{"gain": 1}', "line 1, column 1: expecting value"),
    "no-object": (".json", b"[1]", r"must be an object of names and values, got \[1\]"),
    "another-ending": (".yaml", b"cell: lstm", r"must end in .toml or .json, got '.yaml'"),
    "zip": (".json", b"PK\x03\x04\x00", "line 1, column 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hostile_file_is_refused_in_one_sentence_in_bounded_time_and_memory(case):
    ending, data, sentence = REFUSED[case]
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(ValueError, match=sentence) as refused:
        parse_config(data, "../folder/run" + ending)
    took, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert str(refused.value).startswith(f"the config file 'run{ending}': ")
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 600
    assert took < SECONDS
    assert peak < MEMORY


@pytest.mark.parametrize("ending", [".toml", ".json"])
def test_a_file_gives_its_settings_by_the_names_of_the_app(ending, tmp_path):
    toml = '# mine\npreset = "pytorch-lstm"\nhidden_size = 64.0\ncell = "gru"\ngain = 1\n'
    text = {"preset": "pytorch-lstm", "hidden_size": 64.0, "cell": "gru", "gain": 1}
    path = tmp_path / f"mine{ending}"
    path.write_text("\ufeff" + (toml if ending == ".toml" else json.dumps(text)), "utf-8")
    found = read_config(path)
    assert found.preset == "pytorch-lstm"
    assert found.notices == ()
    changed = rv.PRESETS["pytorch-lstm"].config.replace(**found.settings)
    assert (changed.hidden_size, changed.cell, changed.gain) == (64, "gru", 1.0)


def test_a_config_that_was_written_as_json_is_read_again():
    config = rv.TrainConfig(cell="lstm", gain=0.75, task="adding")
    found = parse_config(config.model_dump_json().encode(), "config.json")
    assert rv.TrainConfig(**found.settings) == config


def test_unknown_names_are_left_out_with_a_suggestion():
    text = b"Hidden_Size = 3\nzzzz = 1\n__proto__ = 1\n[model]\nHiden = 2\ncel = 3\n"
    found = parse_config(text, "run.toml")
    assert found.settings == {}
    assert found.notices == (
        "unknown setting 'Hidden_Size' is left out; did you mean hidden_size?",
        "unknown setting 'zzzz' is left out",
        "unknown setting '__proto__' is left out",
        "unknown setting 'model.Hiden' is left out; did you mean hidden_size?",
        "unknown setting 'model.cel' is left out; did you mean cell?",
    )
    many = parse_config(json.dumps({f"n{n}": 1 for n in range(3_000)}).encode(), "run.json")
    assert many.notices[-1] == "2,995 more unknown settings are left out"


def test_quotes_and_comments_may_hold_what_names_may_not():
    dots, brackets = "a." * 40, "[" * 40
    text = f'# {dots}{brackets}\nother = """{dots}"\n{brackets}"""\nmore = \'{dots}\'\ngain = 0.5'
    assert parse_config(text.encode(), "run.toml").settings == {"gain": 0.5}
