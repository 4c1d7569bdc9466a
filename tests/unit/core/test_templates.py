from __future__ import annotations

from pathlib import Path

import hcl2.api
import pytest
from hcl2.utils import SerializationOptions

from bakewell.catalog import Catalog
from bakewell.catalog.templates import Plugin, Requirements, requirements
from bakewell.context import Context
from bakewell.errors import ConfigError
from tests.unit.core.conftest import Tree

DIGITALOCEAN = Plugin("digitalocean", "github.com/digitalocean/digitalocean", "1.4.1")

PLAIN = SerializationOptions(strip_string_quotes=True, with_comments=False, explicit_blocks=False)
AMAZON = Plugin("amazon", "github.com/hashicorp/amazon", "1.8.0")


def read(packer: Path, cloud: str = "digitalocean") -> Requirements:
    return requirements(Context.collect(Catalog.load(packer), "web", cloud))


def refused(packer: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(packer)
    assert caught.value.remedy
    return caught.value


def test_versions_are_read_from_the_packer_block(tree: Tree) -> None:
    assert read(tree()) == Requirements("1.15.0", (DIGITALOCEAN,))
    assert read(tree(), "aws") == Requirements("1.15.0", (AMAZON,))


@pytest.mark.parametrize("pin", ["1.15.0", "= 1.15.0", "=1.15.0", " =  v1.15.0 "])
def test_an_exact_version_may_be_written_in_each_usual_way(tree: Tree, pin: str) -> None:
    assert read(tree({"packer.pkr.hcl": f'packer {{\n  required_version = "{pin}"\n}}\n'})).packer == "1.15.0"


@pytest.mark.parametrize("pin", [">= 1.15.0", "~> 1.15", "1.15", "!= 1.15.0", "= 1.15.0, < 2", "", "latest"])
def test_a_range_is_refused(tree: Tree, pin: str) -> None:
    error = refused(tree({"packer.pkr.hcl": f'packer {{\n  required_version = "{pin}"\n}}\n'}))
    assert f'required_version is "{pin}"' in error.what
    assert str(error.file).endswith("packer/packer.pkr.hcl")


def test_a_range_for_a_plugin_is_refused_too(tree: Tree) -> None:
    plugins = 'packer {\n  required_plugins {\n    x = {\n      source = "s/x"\n      version = ">= 1"\n    }\n  }\n}\n'
    assert "required_plugins.x.version" in refused(tree({"digitalocean.pkr.hcl": plugins})).what
    assert "has no source" in refused(tree({"digitalocean.pkr.hcl": plugins.replace("source", "sauce")})).what
    assert "has no version" in refused(tree({"digitalocean.pkr.hcl": plugins.replace("version", "vers")})).what


def test_comments_and_other_blocks_say_nothing(tree: Tree) -> None:
    text = """# packer { required_version = "1.0.0" }
packer {
  # required_version = "1.0.0"
  // required_version = "1.0.1"
  /* required_version = "1.0.2"
  required_version = "1.0.3" */
  required_version = "1.15.0" # not "1.0.4"
}

locals {
  required_version = "1.0.5"
}
"""
    assert read(tree({"packer.pkr.hcl": text})) == Requirements("1.15.0", (DIGITALOCEAN,))


def test_blocks_of_several_files_add_up_and_an_images_own_counts(tree: Tree) -> None:
    own = (tree() / "digitalocean.pkr.hcl").read_text().replace("digitalocean", "other").replace("1.4.1", "1.1.2")
    found = read(tree({"images/web/other.pkr.hcl": own}))
    assert found == Requirements("1.15.0", (DIGITALOCEAN, Plugin("other", "github.com/other/other", "1.1.2")))


def test_two_versions_of_one_thing_are_refused(tree: Tree) -> None:
    other = 'packer {\n  required_version = "1.14.0"\n}\n'
    assert "1.14.0" in refused(tree({"images/web/other.pkr.hcl": other})).what
    plugin = (tree() / "digitalocean.pkr.hcl").read_text().replace("1.4.1", "1.4.0")
    assert "as 1.4.0" in (refused(tree({"images/web/other.pkr.hcl": plugin})).what.replace("1.4.1 and as ", ""))


def test_no_version_of_packer_is_refused(tree: Tree) -> None:
    assert "no template says" in refused(tree({"packer.pkr.hcl": None})).what
    assert "no template says" in refused(tree({"packer.pkr.hcl": "packer {\n}\n"})).what


def test_a_block_that_packer_fmt_would_lay_out_otherwise_is_refused_not_missed(tree: Tree) -> None:
    error = refused(tree({"packer.pkr.hcl": '  packer { required_version = "1.15.0" }\n'}))
    assert error.remedy == "run: packer fmt"


@pytest.mark.parametrize("cloud", ["digitalocean", "aws"])
def test_a_whole_parser_finds_the_same(tree: Tree, cloud: str) -> None:
    """The oracle: python-hcl2, too slow to load in every preview."""
    packer = Path(__file__).parents[3] / "packer"
    templates = {path.name: path.read_text() for path in packer.glob("*.pkr.hcl")}
    for folder in (tree(), tree(templates)):
        context = Context.collect(Catalog.load(folder), "base", cloud)
        versions, plugins = [], {}
        for file in context.files:
            if file.path.endswith(".pkr.hcl") and file.source is not None:
                text = file.source.read_text()
                for block in hcl2.api.loads(text, serialization_options=PLAIN).get("packer", []):
                    versions += [block["required_version"]] if "required_version" in block else []
                    for listing in block.get("required_plugins", []):
                        plugins.update(listing)
        found = requirements(context)
        assert [found.packer] == [version.removeprefix("= ") for version in versions]
        assert {p.name: {"source": p.source, "version": f"= {p.version}"} for p in found.plugins} == plugins
