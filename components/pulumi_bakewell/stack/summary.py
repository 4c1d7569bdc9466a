"""What `up` says last: one line for every image."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pulumi

from pulumi_bakewell.image_catalog import ImageCatalog
from pulumi_bakewell.packer_image import BuildResult

_STARTED = time.time()


def summarise(catalogs: Sequence[ImageCatalog]) -> None:
    """Log what became of each image, once all are done. A preview, which does nothing, logs nothing."""
    if not pulumi.runtime.is_dry_run():
        results = {
            role if len(catalogs) == 1 else f"{catalog.cloud}/{role}": image.result
            for catalog in catalogs
            for role, image in catalog.images.items()
        }
        pulumi.Output.all(**results).apply(lambda done: pulumi.log.info(table(done, since=_STARTED)))


def table(results: Mapping[str, BuildResult], *, since: float) -> str:
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
