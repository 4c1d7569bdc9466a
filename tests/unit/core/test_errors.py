from __future__ import annotations

from pathlib import Path

import pytest

from bakewell.errors import BakewellError, BuildError, CloudError, ConfigError, ContextError, Interrupted


def test_a_message_names_file_thing_and_remedy() -> None:
    error = ConfigError("image web: unknown key `stpes`", file=Path("packer/images/web/image.toml"), remedy="remove it")
    assert str(error) == "packer/images/web/image.toml: image web: unknown key `stpes`\n  remedy: remove it"


def test_without_file_and_remedy_only_what_is_wrong_is_said() -> None:
    assert str(CloudError("503")) == "503"


def test_every_kind_is_caught_by_the_root_and_has_its_own_exit_code() -> None:
    kinds = [BakewellError, ConfigError, CloudError, BuildError, Interrupted]
    assert all(issubclass(kind, BakewellError) for kind in kinds)
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert 0 not in {kind.exit_code for kind in kinds}
    assert ContextError.exit_code == ConfigError.exit_code


def test_it_can_be_raised_and_its_parts_read() -> None:
    with pytest.raises(BakewellError) as caught:
        raise ContextError("x", file="a", remedy="b")
    assert (caught.value.what, caught.value.file, caught.value.remedy) == ("x", "a", "b")
