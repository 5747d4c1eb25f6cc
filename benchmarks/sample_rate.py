"""Rows a second of the synthetic city, and the most memory it took.

    python -m benchmarks.sample_rate [--people N] [--format csv|parquet]

950,000 people are about 147 million rows. Give a city large enough to outweigh the first second.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

from issuer.sample import write_sample


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--format", choices=("csv", "parquet"), default="parquet")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "city"
        started, busy = time.perf_counter(), time.process_time()
        made = write_sample(out, people=arguments.people, seed=1, file_format=arguments.format)
        seconds, busy = time.perf_counter() - started, time.process_time() - busy
        size = (out / f"contribution.{arguments.format}").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # kilobytes on Linux
    print(f"{made.people:,} people, {made.rows:,} rows, {made.rows / made.people:.1f} a person")
    print(f"{seconds:.1f} s, {busy:.1f} s of processor time, {made.rows / seconds:,.0f} rows a second")
    print(f"{size / made.rows:.2f} bytes a row, peak {peak:,} MiB")


if __name__ == "__main__":
    main()
