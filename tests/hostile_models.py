"""Files of weights that are damaged, lie, or mean harm: each with its name and why it is refused.

``HOSTILE`` maps what is wrong with a file to its name, what makes its bytes, and a pattern of the
cause that the one sentence about it must name. ``a.h5`` and ``a.pt`` are for their readers
alone, ``whole.h5`` for the process that it runs in.
"""

import io
import json
import pickle
import struct
import zipfile

import h5py
import numpy as np

H, I = 4, 3
GOOD = {
    "rnn.weight_ih_l0": np.arange(H * I, dtype=float).reshape(H, I) / 10,
    "rnn.weight_hh_l0": np.eye(H) / 2,
    "rnn.bias_ih_l0": np.ones(H),
    "rnn.bias_hh_l0": np.zeros(H),
}
TOUCHED = "/tmp/rnnviz-hostile-file-was-opened"


class Touch:
    """A pickle of it runs a command when it is opened."""

    def __reduce__(self):
        import os

        return os.system, (f"touch {TOUCHED}",)


def npz(arrays=GOOD, **changed):
    return zipped({name: npy(W) for name, W in {**arrays, **changed}.items()})


def npy(W):
    body = io.BytesIO()
    np.save(body, W)
    return body.getvalue()


def zipped(members, ending=".npy", method=zipfile.ZIP_STORED):
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name + ending, data)
    return body.getvalue()


def twice():
    """The same name with two arrays, which the library that writes only warns of."""
    first, second = zipped({"W_hh": npy(np.eye(2))}), zipped({"W_xx": npy(np.ones((2, 2)))})
    both = zipped({"W_hh": npy(np.eye(2)), "W_xx": npy(np.ones((2, 2)))})
    assert len(first) == len(second)
    return both.replace(b"W_xx", b"W_hh")


def headed(shape="(2, 2)", descr="'<f8'", data=bytes(32), pad=0):
    """One array under a header that may say anything."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}{' ' * pad}\n".encode()
    array = b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text + data
    return zipped({"W_hh": array, "W_ih": npy(np.ones((2, 1)))})


def sized(told, data):
    """A zip whose directory tells another unpacked size."""
    whole = bytearray(zipped({"W_hh": data}, method=zipfile.ZIP_DEFLATED))
    for start, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = whole.rfind(start) + place
        whole[at : at + 4] = struct.pack("<I", told)
    return bytes(whole)


def overlapping():
    """Many entries of the directory for the same bytes."""
    whole = zipped({"a000": npy(np.zeros(1000))})
    start = whole.rfind(b"PK\x01\x02")
    end = whole.rfind(b"PK\x05\x06")
    entries = b"".join(whole[start:end].replace(b"a000", f"a{n:03}".encode()) for n in range(200))
    tail = bytearray(whole[end:])
    tail[8:12], tail[12:16] = struct.pack("<HH", 200, 200), struct.pack("<I", len(entries))
    return whole[:start] + entries + bytes(tail)


def crowd():
    """A directory of 100,000 members, the end of which tells three."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", *[0] * 18)
    directory = b"".join(
        entry[:28] + struct.pack("<H", 5) + entry[30:] + f"{n:05}".encode() for n in range(10**5)
    )
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 3, 3, len(directory), 4, 0)
    return b"PK\3\4" + directory + end


def flipped(data, at, bits=1):
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :]


def tensors(header=None, data=b"", *, length=None, text=None):
    text = json.dumps(header).encode() if text is None else text
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(shape, dtype="F64", begin=0, end=None):
    end = begin + 8 * int(np.prod(shape)) if end is None else end
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors(arrays=GOOD, **changed):
    from safetensors.numpy import save

    return save({name: np.ascontiguousarray(W) for name, W in {**arrays, **changed}.items()})


def hdf5(fill):
    body = io.BytesIO()
    with h5py.File(body, "w") as file:
        fill(file)
    return body.getvalue()


def simple_rnn(file, **arrays):
    layer = {"kernel": np.ones((I, H)), "recurrent_kernel": np.eye(H), "bias": np.zeros(H)}
    for name, W in (layer | arrays).items():
        file[f"model_weights/simple_rnn/simple_rnn/simple_rnn_cell/{name}"] = W


def linked(link):
    def fill(file):
        simple_rnn(file)
        file["model_weights/more"] = link

    return hdf5(fill)


def from_other_files(file):
    file.create_dataset("a", (4,), "f8", external=[("/etc/passwd", 0, 32)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "a", (4,))
    file.create_virtual_dataset("a", layout)


def deep(file):
    group = file
    for _ in range(40):
        group = group.create_group("a")
    group["W"] = np.ones(2)


def circle(file):
    file["a/W"] = np.ones(2)
    file["a/a"] = file["a"]


def many_groups(file):
    for n in range(1100):
        file.create_group(f"a{n}")


def keras(settings, weights):
    return zipped({"config.json": settings, "model.weights.h5": weights}, "")


def torch_file(saved):
    import torch

    body = io.BytesIO()
    torch.save(saved() if callable(saved) else saved, body)
    return body.getvalue()


def module():
    import torch

    return torch.nn.RNN(I, H)


def projection():
    import torch

    return torch.nn.LSTM(I, H, proj_size=2).state_dict()


def renamed(old, new):
    return {name.replace(old, new): W for name, W in GOOD.items()}


def without(name):
    return {key: W for key, W in GOOD.items() if key != name}


W = "rnn.weight_hh_l0"
NAN = np.where(np.eye(H) > 0, np.nan, 1.0)
BIG = {"a": tensor([2, 2], end=32)}

N, S = "a.npz", "a.safetensors"
HOSTILE = {
    # NumPy archives
    "npz of Python objects": (N, lambda: npz(W_hh=np.array([Touch()])), "Python objects"),
    "a pickle by another name": (N, lambda: pickle.dumps(Touch()), "got a pickle"),
    "an old PyTorch file by another name": (
        N, lambda: b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "got a PyTorch file"),
    "ONNX by another name": (
        N, lambda: b"\x08\x07\x12\x07pytorch" + bytes(60), "got a file of no kind"),
    "HDF5 by another name": (N, lambda: hdf5(simple_rnn), "got an HDF5 file"),
    "npz by another name": (S, npz, "got a NumPy archive"),
    "a spreadsheet": (N, lambda: zipped({"xl/a": b"<a/>"}, ".xml"), "zip archive without"),
    "one array": ("a.npy", lambda: npy(np.eye(2)), "one NumPy array without a name"),
    "a picture": (N, lambda: b"\x89PNG\r\n\x1a\n" + bytes(50), "PNG"),
    "gzip": (N, lambda: b"\x1f\x8b" + bytes(50), "gzip"),
    "text": ("a.pth", lambda: b"W_hh\n1,2\n3,4\n", "got text"),
    "noise": (S, lambda: np.random.default_rng(0).bytes(10**5), "no kind"),
    "nothing": (N, lambda: b"", "empty file"),
    "more than 20 MB": (N, lambda: bytes((20 << 20) + 1), "at most 20.0 MB"),
    "a bomb": (N, lambda: zipped(
        {"W_hh": npy(np.zeros(9 << 20))}, method=zipfile.ZIP_DEFLATED), "at most 64.0 MB together"),
    "a bomb of 4 GB by its directory": (
        N, lambda: sized((1 << 32) - 2, bytes(10**6)), "at most 64.0 MB together"),
    "a bomb whose directory says 1 KB": (N, lambda: sized(1024, bytes(10**7)), "is damaged"),
    "200 entries on the same bytes": (N, overlapping, "share the same bytes"),
    "a shape of 1e9 for 64 bytes": (N, lambda: headed("(1000000000,)"), "bytes for its shape"),
    "a shape of 1e18": (N, lambda: headed("(1000000000000000000,)"), "bytes for its shape"),
    "a shape past 2^64": (N, lambda: headed(f"({2**62}, {2**62})"), "bytes for its shape"),
    "a negative shape": (N, lambda: headed("(-1, 4)"), "none negative"),
    "32 axes": (N, lambda: headed(f"({'1, ' * 32})"), "up to 4 axes"),
    "a header of 1 MB": (N, lambda: headed(pad=1 << 20), "must be an array"),
    "a header of brackets": (N, lambda: headed("(" * 3000), "must be an array"),
    "a header of code": (N, lambda: headed("__import__('os')"), "must be an array"),
    "long doubles": (N, lambda: npz(W_hh=np.eye(2, dtype=np.longdouble)), "float16 to float64"),
    "complex numbers": (N, lambda: npz(W_hh=np.eye(2) * 1j), "got complex128"),
    "strings": (N, lambda: npz(W_hh=np.array(["a"])), "got <U1"),
    "dates": (N, lambda: npz(W_hh=np.zeros(2, "datetime64[s]")), "got datetime64"),
    "structures": (N, lambda: npz(W_hh=np.zeros(2, "f4,f8")), "float16 to float64"),
    "a void of 1e9 bytes": (N, lambda: headed("()", "'|V1000000000'"), "float16 to float64"),
    "one name twice": (N, twice, "'W_hh.npy' once, got two"),
    "a member that is no array": (N, lambda: zipped({"W_hh": b"hello"}), "must be an array"),
    "no member": (N, lambda: zipped({}), "1 to 256 arrays, got 0"),
    "half a file": (N, lambda: npz()[: len(npz()) // 2], "damaged zip"),
    "a wrong checksum": (N, lambda: flipped(npz(), 200), "is damaged"),
    "a name of 64 KB": (N, lambda: zipped({"a" * 60000: npy(np.eye(2))}), "at most 200 char"),
    "a path out of the folder": (N, lambda: npz({"../../x": np.eye(2)}), "of a recurrent"),
    "a path from the root": (N, lambda: npz({"/etc/x": np.eye(2)}), "of a recurrent"),
    "a NUL in a name": (N, lambda: npz({"W_hhxy": np.eye(2)}).replace(
        b"W_hhxy", b"W_hh\0y"), "without a NUL"),
    "100,000 members": (N, crowd, "1 to 256 arrays, got 100,000"),
    "300 members": (N, lambda: npz({f"{n}": np.zeros(1) for n in range(300)}), "got 300"),
    "a patch": (N, lambda: flipped(
        npz(), npz().find(b"PK\1\2") + 8, 32), "is damaged: compressed patched"),
    "a password": (N, lambda: flipped(npz(), npz().find(b"PK\1\2") + 8), "damaged|pass"),
    # shapes and values
    "W_hh not square": (N, lambda: npz({"W_hh": np.ones((4, 5)), "W_ih": np.ones((4, 1))}),
                        "square .*got W_ih .4, 1. and W_hh .4, 5."),
    "sizes that do not fit": (
        N, lambda: npz({"W_hh": np.eye(4), "W_xh": np.ones((5, 1)), "b": np.ones(3)}),
        "got W_ih .5, 1. and W_hh .4, 4."),
    "a bias of another size": (N, lambda: npz({
        "W_hh": np.eye(4), "W_xh": np.ones((4, 1)), "b": np.ones(3)}), "b_ih .4,. beside"),
    "no units": (N, lambda: npz({"W_hh": np.ones((0, 0)), "W_ih": np.ones((0, 1))}), "got W_ih"),
    "a number for a matrix": (N, lambda: npz({"W_hh": np.array(1.0), "W_ih": np.ones((1, 1))}),
                              "two matrices"),
    "513 units": (N, lambda: npz({"W_hh": np.eye(513, dtype="f4"), "W_ih": np.ones((513, 1))}),
                  "at most 512 hidden"),
    "two gates": (N, lambda: npz({W: np.ones((8, 4)), "rnn.weight_ih_l0": np.ones((8, 3))}),
                  "1, 3 or 4"),
    "NaN": (N, lambda: npz(**{W: NAN}), r"got 4 that are not, the first at \[0, 0\]"),
    "infinity": (N, lambda: npz(**{W: np.full((H, H), np.inf)}), "must be finite, got 16"),
    "half a layer": (N, lambda: npz(without(W)), "weight_ih and weight_hh"),
    "layers that do not chain": (N, lambda: npz(GOOD | renamed("l0", "l1")), "below gives"),
    "no recurrent layer": (N, lambda: npz({"fc.weight": np.eye(3)}), "recurrent layer"),
    # safetensors
    "a header of 2^63": (S, lambda: tensors({}, length=2**63), "within its"),
    "a header of 2^64-1": (S, lambda: tensors({}, length=2**64 - 1), "within its"),
    "a header of nothing": (S, lambda: tensors({}, length=0), "not JSON"),
    "7 bytes": (S, lambda: b"\x02\0\0\0\0\0\0", "no kind|within"),
    "a tensor twice": (S, lambda: tensors(text=(
        b'{"a":' + json.dumps(tensor([4])).encode() + b',"a":' + json.dumps(tensor([2])).encode()
        + b"}"), data=bytes(32)), "'a' once"),
    "tensors on each other": (S, lambda: tensors(
        {"a": tensor([4]), "b": tensor([4], begin=8)}, bytes(40)), "is damaged"),
    "a hole": (S, lambda: tensors({"a": tensor([4], begin=8)}, bytes(40)), "damaged"),
    "bytes behind the end": (S, lambda: safetensors() + npz(), "is damaged"),
    "a shape of other bytes": (
        S, lambda: tensors({"a": tensor([9], end=32)}, bytes(32)), "is damaged"),
    "a negative size": (S, lambda: tensors({"a": tensor([-4], end=32)}, bytes(32)),
                        "none negative"),
    "a size past 2^64": (S, lambda: tensors(
        {"a": tensor([2**40, 2**40], end=32)}, bytes(32)), "at most 64.0 MB"),
    "an end before its begin": (S, lambda: tensors(
        {"a": tensor([0], begin=32, end=0)}, bytes(32)), "is damaged"),
    "no shape": (S, lambda: tensors({"a": {"dtype": "F64"}}, bytes(8)), "have a shape"),
    "an unknown type": (S, lambda: tensors({"a": tensor([4], "Q7")}, bytes(32)), "BF16"),
    "eight-bit floats": (S, lambda: tensors(
        {"a": tensor([4], "F8_E4M3", end=4)}, bytes(4)), "got F8_E4M3"),
    "bad UTF-8": (S, lambda: tensors(text=b'{"\xff\xfe": 1}'), "not JSON"),
    "no JSON": (S, lambda: tensors(text=b"{hello"), "not JSON"),
    "JSON 100,000 deep": (
        S, lambda: tensors(text=b'{"a":' * 10**5 + b"1" + b"}" * 10**5), "not JSON"),
    "5 MB of metadata": (S, lambda: tensors(
        {"__metadata__": {"a": "b" * (5 << 20)}}), "header .* at most 1.0 MB"),
    "metadata that is not text": (S, lambda: tensors(
        {"__metadata__": {"a": 1}, "W": tensor([1])}, bytes(8)), "is damaged"),
    "100,000 tensors": (S, lambda: tensors(
        {f"{n}": tensor([0]) for n in range(10**4)}), "1 to 256 arrays, got 10,000"),
    "NaN in safetensors": (S, lambda: safetensors(**{W: NAN}), "must be finite, got 4"),
    "a tensor of no size": (S, lambda: tensors({"W_hh": tensor([0, 4], end=0),
        "W_ih": tensor([0, 1], end=0)}), "got W_ih .0, 1. and W_hh .0, 4."),
    "a tensor called __proto__": (S, lambda: safetensors({"__proto__": np.eye(2)}), "of a recur"),
    "no tensor": (S, lambda: tensors({}), "1 to 256 arrays, got 0"),
    "markup for a name": (
        S, lambda: safetensors({"<img onerror=a>": np.eye(2)}), "of a recurrent"),
    "a tensor's name of 1 MB": (
        S, lambda: tensors({"a" * 10**6: tensor([1])}, bytes(8)), "at most 200 char"),
    "tensors cut off": (S, lambda: safetensors()[:-8], "is damaged"),
    # HDF5 and Keras
    "half an HDF5 file": ("a.h5", lambda: hdf5(simple_rnn)[:900], "is damaged"),
    "HDF5 of noise": ("a.h5", lambda: hdf5(simple_rnn)[:600] + bytes(range(256)) * 20, "damaged"),
    "a link to another file": (
        "whole.h5", lambda: linked(h5py.ExternalLink("/etc/passwd", "/a")), "link to elsewhere"),
    "a soft link": ("a.h5", lambda: linked(h5py.SoftLink("/nowhere")), "link to elsewhere"),
    "another file's bytes": ("a.h5", lambda: hdf5(from_other_files), "other files' bytes"),
    "a virtual data set": ("a.h5", lambda: hdf5(virtual), "other files' bytes"),
    "8 TB that are not there": (
        "a.h5", lambda: hdf5(lambda f: f.create_dataset("a", (10**6, 10**6), "f8")), "64.0 MB"),
    "an HDF5 bomb": ("whole.h5", lambda: hdf5(lambda f: f.create_dataset(
        "a", data=np.zeros(9 << 20), compression="gzip")), "64.0 MB"),
    "strings in HDF5": ("a.h5", lambda: hdf5(lambda f: f.create_dataset("a", data="b")), "float16"),
    "groups 40 deep": ("a.h5", lambda: hdf5(deep), "16 deep"),
    "a group in itself": ("a.h5", lambda: hdf5(circle), "16 deep"),
    "1,100 groups": ("a.h5", lambda: hdf5(many_groups), "at most 1024 groups"),
    "NaN in HDF5": (
        "whole.h5", lambda: hdf5(lambda f: simple_rnn(f, recurrent_kernel=NAN)), "must be finite"),
    "a Keras archive without weights": ("a.keras", lambda: keras("{}", b"hello"), "is damaged"),
    # PyTorch
    "a PyTorch file of objects": ("a.pt", lambda: torch_file({"a": Touch()}), "never opened"),
    "a whole module": ("a.pt", lambda: torch_file(module), "save the module's state_dict"),
    "a projection": ("a.pt", lambda: torch_file(projection), "proj_size"),
    "half a PyTorch file": ("a.pt", lambda: torch_file(GOOD)[:700], "is damaged"),
}  # fmt: skip
