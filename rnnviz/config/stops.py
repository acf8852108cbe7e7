"""Where sliders rest: round numbers, closer together where they count most."""

OCTAVES = [m * 2**k / 4 for k in range(11) for m in (4, 5, 6, 7)]
DECADES = [m * 10.0**k for k in range(-6, 5) for m in (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)]
AROUND_ONE = [
    *(k / 20 for k in range(40)),
    *(k / 10 for k in range(20, 40)),
    *(k / 2 for k in range(8, 21)),
]
AROUND_ZERO = [
    0,
    *(s * v for s in (-1, 1) for v in (*(k / 10 for k in range(1, 20)), *range(2, 11))),
]
SHARES = [0.01, 0.02, *(k / 20 for k in range(1, 21))]
RADII = [*(k / 20 for k in range(20)), 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999]
PHASES = [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.314, 0.5, *range(1, 7), 6.28]
