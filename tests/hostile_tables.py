"""Tables and texts that are damaged, lie, or are merely unlike: each with what must be said of it.

``REFUSED`` maps what is wrong with a file to its name, what makes its bytes, and a pattern of the
cause in the one sentence about it. ``READ`` maps what is unlike about a file to what makes it, the
values that are in it, and a pattern of what must be noted.
"""

import gzip
import io
import zipfile
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

nan = np.nan


def lines(*rows, end="\n", encoding="utf-8"):
    return (end.join(rows) + end).encode(encoding)


def parquet(**columns):
    body = io.BytesIO()
    pq.write_table(pa.table(columns), body)
    return body.getvalue()


def flipped(data, place, bits=0xFF):
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


def zipped():
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return body.getvalue()


def many(count, row=b"1,2\n", header=b"a,b\n"):
    return header + row * count


def footer_of_a_terabyte():
    """A footer whose number of rows, 2^40 as a varint, was written over the true one."""
    data = parquet(a=np.arange(1000.0))
    return data.replace(b"\xd0\x0f", b"\xff\x7f")


def page_with_a_fault():
    """3.0 where 2.0 was written."""
    body, plain = io.BytesIO(), {"use_dictionary": False, "compression": "none"}
    table = pa.table({"a": [1.0, 2.0]})
    pq.write_table(table, body, write_page_checksum=True, write_statistics=False, **plain)
    return body.getvalue().replace(np.float64(2).tobytes(), np.float64(3).tobytes())


REFUSED = {
    "empty": ("t.csv", lambda: b"", "empty"),
    "only a byte order mark": ("t.csv", lambda: b"\xef\xbb\xbf", "got none"),
    "only spaces": ("t.csv", lambda: lines("  ", "", " "), "got none"),
    "only remarks": ("t.csv", lambda: lines("# a", "# b"), "got none"),
    "header only": ("t.csv", lambda: lines("a,b"), "2 rows .*got 0"),
    "one row": ("t.csv", lambda: lines("a,b", "1,2"), "2 rows .*got 1"),
    "a longer row": ("t.csv", lambda: lines("a,b", "1,2", "3,4", "5,6,7"), "got 3 in line 4"),
    "a shorter row": ("t.csv", lambda: lines("a,b", "1,2", "", "3"), "got 1 in line 4"),
    "Latin-1": ("t.csv", lambda: "caf\xe9,b\n1,2\n3,4\n".encode("latin-1"), "byte at 3, in line 1"),
    "UTF-16 cut in two": ("t.csv", lambda: "a\n1\n2\n".encode("utf-16")[:-1], "UTF-16"),
    "UTF-32 of nothing": ("t.csv", lambda: b"\xff\xfe\x00\x00\x01\x00\xff\x7f", "UTF-32"),
    "UTF-16 without its mark": ("t.csv", lambda: "a\n1\n2\n".encode("utf-16-le"), "character 0"),
    "257 columns": ("t.csv", lambda: lines(",".join("x" * 257)), "256 columns, got 257"),
    "a million columns": ("t.csv", lambda: b"a," * 1_000_000 + b"a\n1\n", "got 1,000,001"),
    "100,000 names that differ": (
        "t.csv",
        lambda: lines(",".join(f"c{n}" for n in range(100_000))),
        "got 100,000",
    ),
    "200,001 rows": ("t.csv", lambda: many(200_001), "200,000 rows, got more"),
    "more numbers than fit": (
        "t.csv",
        lambda: lines(",".join("abcdefghijkl" * 10), *[",".join("1" * 120)] * 75_000),
        "at most 64.0 MB",
    ),
    "infinite": ("t.csv", lambda: lines("a,b", "1,2", "3,inf"), "column b .*'inf' in line 3"),
    "minus infinite": ("t.csv", lambda: lines("a", "1", "-Infinity"), "'-Infinity' in line 3"),
    "1e400": ("t.csv", lambda: lines("a", "1", "1e400"), "'1e400' in line 3"),
    "thousands": ("t.csv", lambda: lines("a;b", "1,234.5;1", "2;3"), "thousands .*line 2"),
    "thousands or decimals": ("t.csv", lambda: lines("a", '"1,234"', "5"), "1.234 or 1234"),
    "spaces in numbers": ("t.csv", lambda: lines("a,b", "1,1 234", "2,3"), "thousands .*line 2"),
    "a NUL": ("t.csv", lambda: lines("a,b", "1,2", "3,\x004"), "character 0 in line 3"),
    "an escape": ("t.csv", lambda: lines("a,b", "1,\x1b[31m2", "3,4"), "character 27 in line 2"),
    "a quote left open": (
        "t.csv",
        lambda: lines("a,b", "1,2", '3,"4', *["5,6"] * 100_000),
        "row of line 3",
    ),
    "a quote left open at the end": ("t.csv", lambda: lines("a", "1", '"2'), "not in line 3"),
    "a letter behind a quote": ("t.csv", lambda: lines("a", "1", '"2"x'), "in line 3"),
    "a cell of 2 MB": ("t.csv", lambda: b"a,b\n1," + b"9" * 2_000_000 + b"\n3,4\n", "line 2"),
    "a cell of 1025": ("t.csv", lambda: lines("a", "1", "9" * 1025), "1,024 .*line 3"),
    "a name of 1 MB": ("t.csv", lambda: b"a" * 1_000_000 + b"\n1\n2\n", "1,024"),
    "a name of 81": ("t.csv", lambda: lines("a" * 81, "1", "2"), "80 characters, got 81"),
    "a workbook": ("t.csv", zipped, "zip archive"),
    "gzip": ("t.csv", lambda: gzip.compress(b"a\n1\n2\n"), "gzip"),
    "a picture": ("t.csv", lambda: b"\x89PNG\r\n\x1a\n" + b"0" * 50, "PNG"),
    "a PDF": ("t.csv", lambda: b"%PDF-1.7\n1 0 obj\n", "PDF"),
    "a pickle": ("t.csv", lambda: b"\x80\x04\x95\x00", "pickle"),
    "random bytes": ("t.csv", lambda: np.random.default_rng(0).bytes(100_000), "UTF-8"),
    "no number": ("t.csv", lambda: lines("a,b", "x,y", "z,w"), "'x' in line 2 .* is 1 more$"),
    "formulas alone": ("t.csv", lambda: lines("a", "=cmd|'/c calc'!A1", "@SUM(1)"), "not a number"),
    "nothing but gaps": ("t.csv", lambda: lines("a,b", "NA,", ",-"), "it is empty"),
    "only dates": ("t.csv", lambda: lines("a", "2020-01-01", "2020-01-02"), "got none$"),
    "markup in a name": (
        "<img onerror=x>.csv",
        lambda: lines("<script>alert(1)</script>", "x", "y"),
        "'x' in line 2",
    ),
    "200 MB": ("t.csv", lambda: bytes(200 << 20), "at most 20.0 MB"),
    "Parquet cut off": ("t.parquet", lambda: parquet(a=[1.0, 2.0])[:-9], "damaged"),
    "Parquet without a footer": ("t.parquet", lambda: b"PAR1" + bytes(100), "damaged"),
    "Parquet with a long footer": (
        "t.parquet",
        lambda: b"PAR1" + bytes(20) + b"\xff\xff\xff\x7fPAR1",
        "damaged",
    ),
    "Parquet with a broken footer": (
        "t.parquet",
        lambda: flipped(parquet(a=[1.0, 2.0]), -60),
        "damaged|must|ended",
    ),
    "Parquet of a name that is no text": (
        "t.parquet",
        lambda: parquet(**{"an e": [1.0, 2.0]}).replace(b"an e", b"an \xe9"),
        "damaged",
    ),
    "Parquet of a page with another checksum": ("t.parquet", page_with_a_fault, "damaged"),
    "Parquet of other length than it says": ("t.parquet", footer_of_a_terabyte, "damaged|rows"),
    "Parquet of text": ("t.parquet", lambda: parquet(a=["x", "y"]), "a is left out: it is string"),
    "Parquet of one row": ("t.parquet", lambda: parquet(a=[1.0]), "2 to 200,000 rows, got 1"),
    "Parquet of 300 columns": (
        "t.parquet",
        lambda: parquet(**{f"c{n}": [1.0, 2.0] for n in range(300)}),
        "256 columns, got 300",
    ),
    "Parquet of 200,001 rows": (
        "t.parquet",
        lambda: parquet(a=np.zeros(200_001)),
        "200,000 rows, got 200,001",
    ),
    "Parquet of an infinite number": (
        "t.parquet",
        lambda: parquet(a=[1.0, np.inf]),
        "column a .*inf in row 2",
    ),
    "Parquet of lists": ("t.parquet", lambda: parquet(a=[[1.0], [2.0]]), "left out"),
    "text called Parquet": ("t.parquet", lambda: lines("a", "1", "2"), "another kind"),
}
"""What is refused."""

GOOD = [[1, 2], [3, 4]]
READ = {
    "UTF-8 with its mark": (lambda: lines("a,b", "1,2", "3,4", encoding="utf-8-sig"), GOOD, ""),
    "UTF-16": (lambda: lines("a,b", "1,2", "3,4", encoding="utf-16"), GOOD, "UTF-16"),
    "UTF-16 from its other end": (
        lambda: b"\xfe\xff" + lines("a,b", "1,2", "3,4", encoding="utf-16-be"),
        GOOD,
        "UTF-16",
    ),
    "UTF-32": (lambda: lines("a,b", "1,2", "3,4", encoding="utf-32"), GOOD, "UTF-32"),
    "old line ends": (lambda: lines("a,b", "1,2", "3,4", end="\r"), GOOD, ""),
    "two line ends": (lambda: lines("a,b", "1,2", "3,4", end="\r\n"), GOOD, ""),
    "mixed line ends": (lambda: b"a,b\r1,2\r\n3,4", GOOD, ""),
    "semicolons and commas": (
        lambda: lines("a;b", "1,5;2", "3,25;4"),
        [[1.5, 2], [3.25, 4]],
        "semicolons.*comma",
    ),
    "tabs": (lambda: lines("a\tb", "1\t2", "3\t4"), GOOD, ""),
    "bars": (lambda: lines("a|b", "1|2", "3|4"), GOOD, "bars"),
    "spaces": (lambda: lines("a  b", "1   2", "3 4"), GOOD, "spaces"),
    "sep=": (lambda: lines("sep=;", "a;b", "1;2", "3;4"), GOOD, "semicolons"),
    "remarks above": (lambda: lines("# made by hand", "", "a,b", "1,2", "3,4"), GOOD, ""),
    "blank lines": (lambda: lines("a,b", "", "1,2", "  ", "3,4", "", ""), GOOD, ""),
    "blank lines in one column": (lambda: lines("a", "1", "", "3", ""), [[1], [nan], [3]], ""),
    "a row of gaps": (
        lambda: lines("a,b,c", "1,2,5", ",,", "3,4,6"),
        [[1, 2, 5], [nan] * 3, [3, 4, 6]],
        "",
    ),
    "no names": (lambda: lines("1,2", "3,4"), GOOD, "the first line is numbers"),
    "quotes": (lambda: lines('"a","b, in m"', '"1",2', '3,"4"'), GOOD, ""),
    "signs": (lambda: lines("a,b", "+1,2e0", "3.,4"), GOOD, ""),
    "two names alike": (lambda: lines("a,a", "1,2", "3,4"), GOOD, r"column 2 is a \(2\)"),
    "no name": (lambda: lines("a,", "1,2", "3,4"), GOOD, ""),
    "text beside": (lambda: lines("a,c,b", "1,x,2", "3,y,4"), GOOD, "c is left out: 'x' in line 2"),
    "hex beside": (lambda: lines("a,c,b", "1,0x1F,2", "3,7,4"), GOOD, "'0x1F' in line 2"),
    "digits with underscores": (lambda: lines("a,c,b", "1,1_0,2", "3,7,4"), GOOD, "'1_0'"),
    "a formula beside": (lambda: lines("a,c,b", "1,=1+1,2", "3,7,4"), GOOD, "'=1\\+1' in line 2"),
    "an empty column": (lambda: lines("a,c,b", "1,,2", "3,NA,4"), GOOD, "c is left out: .*empty"),
    "truth": (lambda: lines("a", "True", "false", "TRUE"), [[1], [0], [1]], "are 1 and 0"),
    "30 digits": (
        lambda: lines("a", "123456789012345678901234567890", "1"),
        [[123456789012345678901234567890], [1]],
        "rounded",
    ),
    "all words for missing": (
        lambda: lines(
            "a,b", *[f"{word},1" for word in ("1", "NaN", "na", "#N/A", "null", "-", "")]
        ),
        [[1, 1], *[[nan, 1]] * 6],
        "",
    ),
    "dates": (
        lambda: lines("when,a", "2020-01-01,1", "2020-01-02,2", "2020-01-03,3", "2020-01-06,4"),
        [[1], [2], [3], [4]],
        "when has the dates.*1 times more, first before line 5",
    ),
    "dates that fall": (
        lambda: lines("when,a", "2020-01-02,1", "2020-01-01,2"),
        [[1], [2]],
        "do not rise 1 times, first in line 3",
    ),
    "a name of markup": (lambda: lines("<b>a</b>,b", "1,2", "3,4"), GOOD, ""),
    "a name of a formula": (lambda: lines("=cmd|x,b", "1,2", "3,4"), GOOD, ""),
}
"""What is read, with its values and a pattern of the notes."""

assert not set(chain(REFUSED)) & set(READ)
