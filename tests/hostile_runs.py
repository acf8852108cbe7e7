"""Run files that are damaged, lie, or mean harm: each with what must be said of it.

``HOSTILE`` maps what is wrong with a file to what makes its bytes, and to a pattern of the cause.
Most are a good file's header, changed, with checksums that are right again: only what is looked at
can refuse them. ``NAMES`` are what a run may be called, all of which are text and nothing else.
"""

import json
import struct
from functools import cache

import numpy as np
from safetensors.numpy import save

import rnnviz as rv
from rnnviz.runfile.head import checksum, text_checksum

NAMES = (
    "",
    "   ",
    ".",
    "..",
    "../../etc/passwd",
    "a/b",
    "C:\\con",
    "con",
    ":key",
    "nul\0byte",
    "\N{ESCAPE}[31mred",
    "\N{RIGHT-TO-LEFT OVERRIDE}txt.exe",
    "<img src=x onerror=alert(1)>",
    "**bold** [link](javascript:0) $x$ :red[x]",
    "\N{WINKING FACE}" * 40,
    "a" * 300,
    "\ud800",
)


@cache
def good():
    """A whole run with everything that a file can hold."""
    config = rv.TrainConfig(
        cell="lstm", hidden_size=3, steps=4, batch_size=2, iterations=3, task="adding"
    )
    batch = rv.draw(config.run)
    loss = batch.loss(config.loss_at)
    record = rv.bptt(rv.build(config.run, 2, 1), batch.x, loss)
    history = rv.History.collect(rv.train(config))
    return rv.run_bytes(record, config=config, loss=loss, history=history, name="good")


def split(data):
    """The header of a file, and its numbers."""
    end = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:end]), data[end:]


def joined(header, numbers, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def header(change):
    """The good file with another header."""
    found, numbers = split(good())
    changed = change(found)
    return joined(found if changed is None else changed, numbers)


def metadata(**changes):
    return header(lambda found: found["__metadata__"].update(changes))


def head_text(text):
    return metadata(head=text, head_sha256=text_checksum(text))


def told(change):
    """The good file with something else in its head, and a checksum that fits."""
    found = json.loads(split(good())[0]["__metadata__"]["head"])
    changed = change(found)
    return head_text(json.dumps(found if changed is None else changed))


def put(*path):
    """Another value at a place of the head: ``put("network", "residual", 1)``."""
    *way, name, value = path

    def change(found):
        for step in way:
            found = found[step]
        found[name] = value

    return told(change)


def layer(**values):
    return told(lambda found: found["network"]["layers"][0].update(values))


def without(name):
    return told(lambda found: found.pop(name) and None)


def arrays(change):
    """The good file with other arrays, and a checksum that fits."""
    found, numbers = split(good())
    of_file = {
        name: np.frombuffer(numbers[slice(*one["data_offsets"])], rv_type(one["dtype"])).reshape(
            one["shape"]
        )
        for name, one in found.items()
        if name != "__metadata__"
    }
    change(of_file)
    kept = found["__metadata__"] | {"data_sha256": checksum(of_file)}
    return save(of_file, kept)


def rv_type(name):
    return {"F64": "<f8", "I64": "<i8", "BOOL": "?"}[name]


def array(name, value):
    return arrays(lambda found: found.update({name: value}))


def tensor(name, **values):
    return header(lambda found: found[name].update(values))


def flipped(place):
    data = bytearray(good())
    data[place] ^= 4
    return bytes(data)


def overlapping(found):
    found["dx"]["data_offsets"] = found["x"]["data_offsets"]
    return found


HOSTILE = {
    "an empty file": (lambda: b"", "does not lie within"),
    "seven bytes": (lambda: bytes(7), "does not lie within"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), "does not lie within"),
    "a zip archive": (lambda: b"PK\x03\x04" + bytes(4) + b"x" * 40, "not JSON|does not lie"),
    "text": (lambda: b"hello, I am text " * 9, "does not lie within"),
    "a length of 2^64 - 1": (lambda: joined(b"{}", b"", 2**64 - 1), "does not lie within"),
    "a length of 0": (lambda: joined(b"", bytes(9)), "not JSON"),
    "a header of 3 MB": (lambda: joined(b" " * (3 << 20), b""), "header of at most 2 MB"),
    "JSON 500,000 deep": (lambda: joined(b"[" * 500_000, b""), "not JSON"),
    "bad UTF-8": (lambda: joined(b'{"a\xff": 1}', b""), "not JSON"),
    "a number of 100,000 digits": (lambda: joined(b'{"a": ' + b"1" * 100_000 + b"}", b""), "JSON"),
    "a list": (lambda: joined(b"[1]", b""), "at most 4096 arrays"),
    "5,000 arrays": (
        lambda: header(lambda found: found.update({f"{n}": {} for n in range(5000)})),
        "at most 4096 arrays"),
    "a name twice": (lambda: joined(b'{"x": {}, "x": {}}', b""), "not JSON"),
    "weights, and no run": (lambda: save({"W": np.eye(2)}), "is no run file"),
    "another program's": (lambda: metadata(format="theirs"), "is no run file"),
    "metadata that is a list": (
        lambda: header(lambda found: found.update(__metadata__=[1])), "is no run file"),
    "metadata of numbers": (lambda: metadata(version=1), "must hold format, version"),
    "a newer version": (lambda: metadata(version="2"), "newer rnnviz: .* is 2, and up to 1"),
    "a version of a word": (lambda: metadata(version="new"), "must be a number, got new"),
    "a version of 4,000 digits": (lambda: metadata(version="9" * 4000), "must be a number"),
    "a version below the first": (lambda: metadata(version="-1"), "must be a number, got -1"),
    "torn in its header": (lambda: good()[:300], "does not lie within"),
    "torn in its numbers": (lambda: good()[:-1], "is torn"),
    "twice in one": (lambda: good() * 2, "is torn"),
    "a bit of a number flipped": (lambda: flipped(-20), "not those that were written"),
    "a bit of the head flipped": (
        lambda: good().replace(b'\\"name\\": \\"good', b'\\"name\\": \\"gooe'), "not what was"),
    "a head that is not JSON": (lambda: head_text("{"), "head is not JSON"),
    "a head with a name twice": (lambda: head_text('{"name": 1, "name": 2}'), "head is not JSON"),
    "a head 100,000 deep": (lambda: head_text("[" * 100_000), "head is not JSON"),
    "a head that is a list": (lambda: head_text("[]"), "head must be a table"),
    "no name": (lambda: without("name"), "must have a name"),
    "a name that is a number": (lambda: put("name", 7), "must have a name"),
    "a name of 2,000 characters": (lambda: put("name", "a" * 2000), "name .* 1000 characters"),
    "no provenance": (lambda: without("provenance"), "provenance must be text"),
    "provenance of numbers": (lambda: put("provenance", "written", 3), "provenance must be text"),
    "no network": (lambda: without("network"), "must tell of a network"),
    "a network without layers": (lambda: put("network", "layers", []), "must tell of a network"),
    "a layer that is a list": (lambda: put("network", "layers", [[]]), "must tell of a network"),
    "65 layers": (
        lambda: told(lambda found: found["network"].update(
            layers=found["network"]["layers"] * 65)), "1 to 64 layers"),
    "residual by 1": (lambda: put("network", "residual", 1), "whether it is residual"),
    "an unknown cell": (lambda: layer(cell="<b>os.system"), "cell must be one of"),
    "a cell that is a list": (lambda: layer(cell=["lstm"]), "cell must be one of"),
    "a reverse that is text": (lambda: layer(reverse="no"), "whether it reads in reverse"),
    "a first layer in reverse": (lambda: layer(reverse=True), "reverse"),
    "a size more": (lambda: layer(depth=2), "sizes and constants, and no more"),
    "a hidden size of text": (lambda: layer(hidden_size="3"), "must be a whole number"),
    "a hidden size of true": (lambda: layer(hidden_size=True), "must be a whole number"),
    "a hidden size of 0": (lambda: layer(hidden_size=0), "hidden_size"),
    "a hidden size below 0": (lambda: layer(hidden_size=-3), "hidden_size"),
    "a hidden size of 1e12": (lambda: layer(hidden_size=10**12), "must be .*, got"),
    "a hidden size of 4,000 digits": (lambda: layer(hidden_size=10**4000), "is damaged"),
    "a constant of NaN": (
        lambda: layer(cell="leaky", alpha=float("nan")), "must be a finite number"),
    "a constant of infinity": (
        lambda: layer(cell="leaky", alpha=float("inf")), "must be a finite number"),
    "another cell than the weights are for": (lambda: layer(cell="gru"), "must be"),
    "parameters that are not there": (
        lambda: told(lambda found: found["network"]["params"].append("l9.W")), "name the param"),
    "parameters that are numbers": (lambda: put("network", "params", [1, 2]), "name the param"),
    "no parameters": (lambda: put("network", "params", None), "name the param"),
    "a parameter of no layer": (
        lambda: arrays(lambda found: found.update({"param.l9.W": np.eye(2)})), "name the param"),
    "an unknown loss": (lambda: put("loss", "kind", "eval"), "loss must be mse"),
    "a loss that is text": (lambda: put("loss", "mse"), "loss must be a table"),
    "an unknown reduction": (lambda: put("loss", "reduction", "x" * 5000), "reduction must be"),
    "a loss without its targets": (
        lambda: arrays(lambda found: found.pop("loss.target")), "loss.target must be"),
    "targets of another length": (
        lambda: array("loss.target", np.zeros((9, 2, 1))), "loss.target must be"),
    "a mask that keeps nothing": (
        lambda: array("loss.mask", np.zeros((4, 2), bool)), "keep at least one"),
    "a mask of numbers": (lambda: array("loss.mask", np.ones((4, 2))), "loss.mask must be"),
    "labels where there are none": (
        lambda: put("loss", "kind", "cross_entropy"), "loss.labels must be"),
    "a config of code": (lambda: put("config", "kind", "os.system"), "config must be one of"),
    "a config that is a list": (lambda: put("config", [1]), "config must be one of"),
    "a config out of range": (
        lambda: put("config", "settings", "hidden_size", 10**9), r"hidden_size must be in \[1"),
    "a config of NaN": (lambda: put("config", "settings", "gain", float("nan")), "gain must be"),
    "a config with more": (lambda: put("config", "settings", "__class__", 1), "__class__"),
    "a config of 3,000 wrong names": (
        lambda: told(lambda found: found["config"].update(
            settings={f"a{n}": n for n in range(3000)})), "is damaged"),
    "a history that is text": (lambda: put("history", "x"), "history must be a table"),
    "a history of 1e9 moments": (lambda: put("history", "moments", 10**9), "0 to 4096 moments"),
    "a history of one moment more": (lambda: put("history", "moments", 4), "must have 4 rows"),
    "columns that are numbers": (lambda: put("history", "columns", [1]), "name its columns"),
    "columns more than rows have": (
        lambda: told(lambda found: found["history"]["columns"].append("a")), "history.rows"),
    "changes that are text": (lambda: put("history", "changes", "x"), "its changes as"),
    "changes without a step": (lambda: put("history", "changes", [["a", "b"]]), "its changes as"),
    "no rows": (lambda: arrays(lambda found: found.pop("history.rows")), "history.rows must be"),
    "moments without eigenvalues": (
        lambda: arrays(lambda found: found.pop("moments.eigenvalues")), "moments must hold"),
    "moments with a NaN step": (
        lambda: array("moments.numbers", np.full((3, 9), np.nan)), "begin with a step"),
    "moments with weights of another size": (
        lambda: array("moments.weights.l0.W_hh", np.zeros((3, 2, 2))), "must be"),
    "lengths that lie": (
        lambda: array("moments.lag.lengths", np.array([9, 9, 9])), "lengths that add up"),
    "transposed by a word": (lambda: put("transposed", "x"), "calls transposed"),
    "transposed by a list": (lambda: put("transposed", [["x"]]), "calls transposed"),
    "transposed what is not there": (lambda: put("transposed", ["y9"]), "calls transposed"),
    "inputs transposed": (lambda: put("transposed", ["x"]), "must be"),
    "no inputs": (lambda: arrays(lambda found: found.pop("x")), "inputs x"),
    "inputs of two axes": (lambda: array("x", np.zeros((4, 2))), "inputs x"),
    "inputs of no step": (lambda: array("x", np.zeros((0, 2, 2))), "x must be"),
    "inputs of 2^40 steps of nothing": (
        lambda: header(lambda found: found["x"].update(
            shape=[2**40, 2**20, 0], data_offsets=[0, 0])), "torn|damaged"),
    "no states": (lambda: arrays(lambda found: found.pop("l0.h")), "must hold the array l0.h"),
    "states of another length": (
        lambda: array("l0.h", np.zeros((4, 2, 3))), r"l0.h must be \(5, 2, 3\)"),
    "states in single precision": (
        lambda: array("l0.h", np.zeros((5, 2, 3), np.float32)), "l0.h must be .* of float64"),
    "whole numbers for derivatives": (
        lambda: array("dx", np.zeros((4, 2, 2), int)), "dx must be .* of float64"),
    "an array of no type": (lambda: tensor("x", dtype="F8_E4M3"), "x is not told of"),
    "an array below its start": (lambda: tensor("x", data_offsets=[-8, 120]), "x is not told of"),
    "an array behind its end": (lambda: tensor("x", data_offsets=[128, 0]), "x is not told of"),
    "an array of another size": (lambda: tensor("x", shape=[4, 2, 3]), "x is not told of"),
    "an array of a shape below 0": (lambda: tensor("x", shape=[-4, -2, 2]), "x is not told of"),
    "an array of half a step": (lambda: tensor("x", shape=[4.0, 2, 2]), "x is not told of"),
    "an array of 9 axes": (lambda: tensor("x", shape=[4, 2, 2] + [1] * 6), "x is not told of"),
    "an array named by markup": (
        lambda: header(lambda found: found.update({"<img\n>" * 99: {}})), "is not told of"),
    "arrays on the same bytes": (lambda: header(overlapping), "is damaged"),
}  # fmt: skip
