"""Every benchmark, as one table each: ``make bench``."""

import os
import platform

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from benchmarks import cost, itemized, jacobian, lyapunov, passes, slider, sweep, training


def main() -> None:
    """Print the machine, the thread counts and the tables."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}")
        for library in threadpool_info():
            name, kind = library["internal_api"], library.get("architecture", "")
            print(f"{name} {library['version']} {kind}, {library['num_threads']} thread")
        print(f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '')}")
        for benchmark in (passes, training, slider, itemized, lyapunov, jacobian, sweep, cost):
            print(f"\n{benchmark.__doc__}")
            for line in benchmark.table():
                print(line, flush=True)


if __name__ == "__main__":
    main()
