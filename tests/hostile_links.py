"""Links that are damaged, lie, or mean harm: each with what must be said of it.

``LINKS`` maps what is wrong to the query's parameters, as the address bar gives them, and to the
beginning of the one sentence about it; ``steps=77`` stands beside each, and has to be used.
``READ`` are unlike and mean something: the settings that they open, and nothing is said.
"""

from rnnviz import PRESETS, TrainConfig
from rnnviz.fields import bounds

GAIN = "gain must be in [0, 10], got "
HIDDEN = "hidden_size must be in [1, 1024], got "
WHOLE = "hidden_size must be a whole number in [1, 1024], got "
CELL = "cell must be one of ['antisymmetric', 'gru', "
UNKNOWN = "There is no setting called "
PRESET = f"preset must be one of {sorted(PRESETS)}, got "

MEANT = {
    "scheduler=tcp": ("scheduler", "tcp://127.0.0.1:{port}"),
    "runs_dir": ("runs_dir", "/etc"),
    "file": ("file", "/etc/passwd"),
    "url": ("url", "http://127.0.0.1:{port}/latest/meta-data"),
    "RNNVIZ_RUNS": ("RNNVIZ_RUNS", "/etc"),
}
"""What would have a server open something, with a port that a test listens on."""

LINKS = {
    # a real number
    "Q01 nan": ({"gain": ["nan"]}, f"{GAIN}nan; 1.0 is used."),
    "Q01 NaN": ({"gain": ["NaN"]}, f"{GAIN}nan; 1.0 is used."),
    "Q02 inf": ({"gain": ["inf"]}, f"{GAIN}inf; 1.0 is used."),
    "Q02 -inf": ({"gain": ["-inf"]}, f"{GAIN}-inf; 1.0 is used."),
    "Q03 1e308": ({"gain": ["1e308"]}, f"{GAIN}1e+308; 1.0 is used."),
    "Q03 1e999": ({"gain": ["1e999"]}, f"{GAIN}inf; 1.0 is used."),
    "Q04 below": ({"gain": ["-0.001"]}, f"{GAIN}-0.001; 1.0 is used."),
    "Q05 above": ({"gain": ["10.001"]}, f"{GAIN}10.001; 1.0 is used."),
    "Q06 decimal comma": ({"gain": ["1,5"]}, f"{GAIN}'1,5'; 1.0 is used."),
    "Q07 a unit": ({"gain": ["1.5x"]}, f"{GAIN}'1.5x'; 1.0 is used."),
    "Q08 empty": ({"gain": [""]}, f"{GAIN}''; 1.0 is used."),
    "Q08 no value": ({"gain": []}, f"{GAIN}''; 1.0 is used."),
    "Q09 spaces": ({"gain": ["  "]}, f"{GAIN}'  '; 1.0 is used."),
    "Q10 complex": ({"gain": ["1+2j"]}, f"{GAIN}'1+2j'; 1.0 is used."),
    # a whole number
    "Q11 -1": ({"hidden_size": ["-1"]}, f"{HIDDEN}-1; 64 is used."),
    "Q11 0": ({"hidden_size": ["0"]}, f"{HIDDEN}0; 64 is used."),
    "Q12 one above": ({"hidden_size": ["1025"]}, f"{HIDDEN}1025; 64 is used."),
    "Q12 1e9": ({"hidden_size": ["1e9"]}, f"{WHOLE}'1e9'; 64 is used."),
    "Q13 31 digits": ({"hidden_size": ["1" + "0" * 30]}, f"{HIDDEN}1000000000000"),
    "Q14 10,000 digits": ({"hidden_size": ["9" * 10_000]}, f"{WHOLE}'9999"),
    "Q15 a half": ({"hidden_size": ["64.5"]}, f"{WHOLE}'64.5'; 64 is used."),
    "Q16 hex": ({"hidden_size": ["0x40"]}, f"{WHOLE}'0x40'; 64 is used."),
    "Q16 true": ({"hidden_size": ["true"]}, f"{WHOLE}'true'; 64 is used."),
    "Q16 None": ({"hidden_size": ["None"]}, f"{WHOLE}'None'; 64 is used."),
    "Q16 nan": ({"hidden_size": ["nan"]}, f"{WHOLE}'nan'; 64 is used."),
    "Q18 object": ({"hidden_size": ['{"a":1}']}, f"{WHOLE}'{{\"a\":1}}'; 64 is used."),
    "Q18 list": ({"hidden_size": ["[64]"]}, f"{WHOLE}'[64]'; 64 is used."),
    "Q18 brackets": ({"hidden_size[]": ["1"]}, f"{UNKNOWN}'hidden_size[]'; did you mean hidden_s"),
    # a choice
    "Q19 a path": ({"cell": ["../../etc/passwd"]}, CELL),
    "Q20 another case": ({"cell": ["LSTM"]}, CELL),
    "Q21 a method": ({"cell": ["__class__"]}, CELL),
    "Q21 a line after": ({"cell": ["lstm\n"]}, CELL),
    "Q24 a script": ({"cell": ["<script>window.PWN=1</script>"]}, CELL),
    "Q24 an image": ({"init": ['"><img src=x onerror=window.PWN=1>']}, "init must be one of ["),
    "Q25 markup": ({"task": ["**a** [b](javascript:c) $d$ :red[e]"]}, "task must be one of ["),
    "Q26 what is no UTF-8": ({"cell": ["\ufffd\ufffd\x00"]}, CELL),
    "Q26 a lone surrogate": ({"cell": ["\ud800"]}, CELL),
    "Q27 right to left": ({"cell": ["\u202etanh"]}, CELL),
    "Q28 60 KB": ({"cell": ["a" * 60_000]}, CELL),
    "Q29 1 MB": ({"cell": ["a" * 1_000_000]}, CELL),
    # names
    "Q22 unknown": ({"foo": ["1"]}, f"{UNKNOWN}'foo'; it is left out."),
    "Q22 nearly": ({"hiden_size": ["8"]}, f"{UNKNOWN}'hiden_size'; did you mean hidden_size?"),
    "Q22 another case": ({"Cell": ["lstm"]}, f"{UNKNOWN}'Cell'; did you mean cell?"),
    "Q23 __proto__": ({"__proto__": ["1"]}, f"{UNKNOWN}'__proto__'; it is left out."),
    "Q23 constructor": ({"constructor": ["x"]}, f"{UNKNOWN}'constructor'"),
    "Q26 a name of noise": ({"\ud800\x00": ["1"]}, f"{UNKNOWN}'\\ud800\\x00'; it is left out."),
    "Q28 a name of 60 KB": ({"a" * 60_000: ["1"]}, f"{UNKNOWN}'aaaa"),
    "Q24 a name of markup": ({"<img src=x onerror=y>": ["1"]}, f"{UNKNOWN}'<img src=x onerror=y>'"),
    # seeds
    "Q33 -1": ({"seed": ["-1"]}, "seed must be in [0, 9999], got -1; 0 is used."),
    "Q33 2^64": ({"seed": [str(2**64)]}, f"seed must be in [0, 9999], got {2**64}; 0 is used."),
    "Q33 1.5": ({"seed": ["1.5"]}, "seed must be a whole number in [0, 9999], got '1.5'"),
    # presets
    "Q35 no such preset": ({"preset": ["nonexistent"]}, PRESET),
    "Q35 a path": ({"preset": ["../x"]}, PRESET),
    # what is looked at, pinned, compared, swept
    "Q38 no such part": ({"section": ["x"]}, "section must be one of ['batch', "),
    "Q38 no sequence": ({"sequence": ["-1"]}, "sequence must be a whole number in [0, 99999], "),
    "Q38 no moment": ({"at": ["nan"]}, "at must be latest or a whole number in [0, 99999], got"),
    "Q38 a pin of nan": ({"pins": ["1:gain=nan"]}, f"A pinned run was not used: {GAIN}nan."),
    "Q38 a pin of noise": ({"pins": ["x" * 60_000]}, "A pinned run was not used: a pin must beg"),
    "Q38 a column": ({"columns": ["file=/etc"]}, "A run to compare with was not used: there is"),
    "Q38 many columns": ({"columns": ["gain=1;gain=2;gain=3;gain=4"]}, "A run to compare with was"),
    "Q38 a knob": ({"knobs": ["gain=1..1e309"]}, "knobs of the sweep was not used: "),
    "Q38 100,000 knobs": ({"knobs": ["gain;" * 100_000]}, "knobs of the sweep was not used: "),
    "Q38 measures": ({"measures": ["eval"]}, "measures of the sweep was not used: "),
    "Q38 seeds": ({"sweep_seeds": ["1e9"]}, "sweep_seeds of the sweep was not used: "),
    "Q38 share": (
        {"solved": ["nan"]},
        "solved of the sweep was not used: solved must be in (0, 1]",
    ),
} | {f"Q34 {what}": ({name: [text]}, f"{UNKNOWN}'{name}'") for what, (name, text) in MEANT.items()}
"""What is said, and left out."""

READ = {
    "spaces around": ({"hidden_size": [" 32 "]}, {"hidden_size": 32}),
    "a sign": ({"hidden_size": ["+32"]}, {"hidden_size": 32}),
    "leading zeros": ({"hidden_size": ["0032"]}, {"hidden_size": 32}),
    "minus zero": ({"gain": ["-0.0"]}, {"gain": 0.0}),
    "digits that are lost": ({"gain": ["1.0000000000000000000001"]}, {"gain": 1.0}),
    "a number too small": ({"gain": ["1e-400"]}, {"gain": 0.0}),
    "nothing": ({}, {}),
}
"""What is read without a word."""

TOO_DEAR = {
    name: [str(bounds(TrainConfig.model_fields[name])[1])]
    for name in ("hidden_size", "steps", "batch_size")
} | {"task": ["adding"]}
"""Q32: each of them may be, and all together not."""
