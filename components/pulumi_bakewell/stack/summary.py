"""The summary at the end of `up`: one line per image."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pulumi

from bakewell.build.result import Result
from pulumi_bakewell.packer_image import PackerImage

_STARTED = time.time()


def summarise(images: Mapping[str, PackerImage]) -> None:
    """Log the result of each image when all images are done. A preview logs nothing.

    Args:
        images: by their names in the summary.
    """
    if not pulumi.runtime.is_dry_run():
        results = {name: image.result for name, image in images.items()}
        pulumi.Output.all(**results).apply(lambda done: pulumi.log.info(table(done, since=_STARTED)))


def table(results: Mapping[str, Result], *, since: float) -> str:
    """The summary as text. A result from before `since` (Unix time) was in the state already: unchanged."""
    rows = [("image", "result", "seconds", "ID")]
    for role, result in results.items():
        ran = result.finished >= since
        action, took = (result.action, f"{result.seconds:.0f}") if ran else ("unchanged", "-")
        rows.append((role, action, took, f"{result.id}  {result.name}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{role:<{widths[0]}}  {action:<{widths[1]}}  {took:>{widths[2]}}  {identity}"
        for role, action, took, identity in rows
    )
