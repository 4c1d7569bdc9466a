"""The context of an image: every file its build sees, what each holds, and a fresh folder laid out with just these."""

from bakewell.context.collect import BOOTSTRAP, Context, builder_size, collect_all
from bakewell.context.find import DOWNLOADS, GENERATED
from bakewell.context.hashing import File

__all__ = ["BOOTSTRAP", "DOWNLOADS", "GENERATED", "Context", "File", "builder_size", "collect_all"]
