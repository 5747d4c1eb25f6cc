"""`tally sample`: a synthetic city to play with."""

from __future__ import annotations

from pathlib import Path

import click

from cli.common import emit, json_option
from cli.progress import progress

__all__ = ["sample"]


@click.command()
@click.option("--people", type=click.IntRange(1, 10_000_000), required=True, help="Number of insured people.")
@click.option("--seed", type=int, required=True, help="Same seed, same city.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write."
)
@click.option(
    "--format", "file_format", type=click.Choice(["csv", "parquet"]), default="parquet", show_default=True
)
@click.option("--cut-off", type=int, default=202610, show_default=True, help="Newest month, YYYYMM.")
@click.option(
    "--dirty", type=click.FloatRange(0, 1), default=0.0, help="Share of persons with one error each."
)
@json_option
def sample(
    people: int, seed: int, out: Path, file_format: str, cut_off: int, dirty: float, as_json: bool
) -> None:
    """Write a synthetic bureau export: three tables and a manifest, all in region 99, which does not exist.

    Example: tally sample --people 1000 --seed 7 --out city
    """
    from issuer.sample import write_sample

    with progress("writing") as advance:
        made = write_sample(
            out,
            people=people,
            seed=seed,
            file_format="csv" if file_format == "csv" else "parquet",
            cut_off=cut_off,
            dirty=dirty,
            progress=advance,
        )
    result = {"people": made.people, "rows": made.rows, "employers": made.employers, "folder": str(out)}
    emit(
        result,
        f"{made.people:,} people, {made.rows:,} rows, {made.employers:,} employers in {out}",
        as_json=as_json,
    )
