"""The public components in a program of somebody else's: apart from each other, from plain data, described."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.analyzer import Analyzer
from pulumi.provider.experimental.component import ComponentProvider

import pulumi_bakewell as bakewell
from tests.components.conftest import Fleet
from tests.components.engine import COMMAND, DROPLET, Run
from tests.components.fleet import PROJECT
from tests.waiting import LONGEST

IMAGES = 'import pulumi\nimport pulumi_bakewell as bakewell\nimages = bakewell.Images("images")\n'
MACHINES = IMAGES + 'made = bakewell.Machines("machines", {"images": images.boot, **ARGS})\n'
RECORD = 'pulumi.export("bakewell", images.record)\n'
OTHER = 'pulumi.export("of_its_own", {"any": "thing"})\n'


def run(fleet: Fleet, program: str, *, args: str = "{}", preview: bool = False) -> Run:
    (fleet.root / "__main__.py").write_text(program.replace("ARGS", args))
    return fleet.run(preview=preview)


def test_images_alone_are_a_program(fleet: Fleet) -> None:
    baked = fleet.bake()
    done = run(fleet, IMAGES + RECORD + 'pulumi.export("web", images.boot["web"])\n')
    assert done.error is None
    assert set(done.of_type(COMMAND)) == {f"digitalocean-{role}" for role in baked} and not done.of_type(DROPLET)
    assert done.outputs["web"] == baked["web"].id
    assert set(done.outputs["bakewell"]["digitalocean"]) == {"images", "identity"}
    fleet.outputs = done.outputs
    assert run(fleet, IMAGES + RECORD, preview=True).messages == [], "it remembers"


def test_outputs_are_registered(fleet: Fleet) -> None:
    baked = fleet.bake()
    registered = run(fleet, MACHINES + RECORD).registered
    assert registered["images"]["ids"]["web"] == {"nyc3": baked["web"].id}
    assert registered["images"]["boot"]["web"] == baked["web"].id
    assert set(registered["images"]["record"]) == {"digitalocean"}
    assert set(registered["machines"]["machines"]) == {"digitalocean-web-1", "digitalocean-web-2", "digitalocean-api-1"}


def test_a_stack_that_exports_no_record_is_told_the_line_and_repeats_no_build(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs = run(fleet, IMAGES + OTHER).outputs
    assert list(fleet.outputs) == ["of_its_own"]
    fleet.listing.found.remove(baked["web"])
    done = run(fleet, IMAGES + OTHER, preview=True)
    assert done.said("warning").startswith("the stack exports no `bakewell`")
    assert done.said("warning").count('remedy: pulumi.export("bakewell", record)') == 1
    assert done["digitalocean-web"].inputs["triggers"][2] == 0
    assert run(fleet, IMAGES + OTHER).said("warning") == "", "an `up` does not say it again"


@pytest.mark.parametrize(("exported", "told"), [("", True), (OTHER, True), (RECORD, False)])
def test_a_new_stack_is_told_where_its_program_exports_no_record(fleet: Fleet, exported: str, told: bool) -> None:
    said = run(fleet, IMAGES + exported, preview=True).said("warning")
    assert said.startswith("the stack exports no `bakewell`") is told and bool(said) is told


def test_machines_may_be_the_programs_own(fleet: Fleet) -> None:
    fleet.bake()
    done = run(fleet, MACHINES, args='{"droplets": {"web": {"count": 1.0, "size": "s-2vcpu-4gb", "ssh_keys": None}}}')
    assert done.error is None
    assert {name: one.inputs["size"] for name, one in done.of_type(DROPLET).items()} == {
        "digitalocean-web-1": "s-2vcpu-4gb"
    }


def test_machines_may_boot_any_image(fleet: Fleet) -> None:
    fleet.bake()
    done = run(fleet, MACHINES, args='{"images": {"web": "512", "api": "513"}}')
    assert {one.inputs["image"] for one in done.of_type(DROPLET).values()} == {"512", "513"}


def test_machines_are_made_with_the_provider_that_the_program_gives(fleet: Fleet) -> None:
    fleet.bake()
    given = 'import pulumi_digitalocean as do\nown = do.Provider("own")\n'
    options = "pulumi.ResourceOptions(providers=[own])"
    done = run(fleet, IMAGES + given + f'bakewell.Machines("m", {{"images": images.boot}}, {options})\n')
    assert {droplet.provider.split("::")[-2] for droplet in done.of_type(DROPLET).values()} == {"own"}
    assert set(done.of_type("pulumi:providers:digitalocean")) == {"own"}


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ('{"droplets": {"wbe": {}}}', "`wbe` is not an image that this stack bakes (did you mean `web`?)"),
        ('{"droplets": {"web": {"cuont": 2}}}', "Machines `machines`: unknown key `droplets.web.cuont` (did you mean"),
        ('{"droplet": {"web": {}}}', "Machines `machines`: there is no argument `droplet` (did you mean `droplets`?)"),
        (
            '{"droplets": {"web": {"count": images.boot["web"]}}}',
            "`droplets.web.count` is an Output, where a plain value",
        ),
        ('{"droplets": pulumi.Output.from_input({})}', "Machines `machines`: `droplets` is an Output, where a plain"),
        ('{"containers": {"web": {}}}', "Machines `machines`: there are no containers on digitalocean"),
        ('{"cloud": "aws"}', "Pulumi.dev.yaml: Machines `machines`: the stack is on digitalocean, not on `aws`"),
        ('{"cloud": pulumi.Output.from_input("aws")}', "Machines `machines`: `cloud` is an Output, where plain text"),
        ('{"cloud": ""}', "Machines `machines`: `cloud` is empty, where plain text is expected"),
        ('{"images": {"web": "512"}}', "there is no image of `api` among its images"),
        ('{"images": {"web": "512", "api": 512}}', "`images.api` is a number, where an ID, as text, is expected"),
        ('{"images": images}', "`images` is a resource (Images), where a map of role to ID is expected"),
        ('{"images": None}', "Machines `machines`: `images` is missing"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_registered(
    fleet: Fleet, args: str, said: str
) -> None:
    done = run(fleet, MACHINES, args=args, preview=True)
    assert isinstance(done.error, SystemExit)
    assert {r.type for r in done.resources} <= {"pulumi:pulumi:Stack"}
    ((level, text),) = done.messages
    assert level == "error" and said in text and text.count("remedy: ") == 1


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("{}", "` is missing"),
        ('{"record": {}}', "` has no `digitalocean`"),
        ('{"record": {"aws": {}}}', "` is not of digitalocean but of aws"),
        ('{"record": {"digitalocean": {}}}', "` has no `digitalocean.images`"),
        ('{"record": "x"}', "` is text, where a map is expected"),
        ('{"record": images}', "` is a resource (Images), where a map is expected"),
        ('{"record": pulumi.Output.from_input("x")}', "` is text, where a map is expected"),
        ('{"record": pulumi.Output.from_input({"digitalocean": 3})}', ".digitalocean` is a number, where a map"),
    ],
)
def test_retention_is_of_the_record_of_its_cloud(fleet: Fleet, args: str, said: str) -> None:
    fleet.bake()
    done = run(fleet, IMAGES + 'bakewell.ImageRetention("retention", ARGS)\n', args=args)
    message = done.said("error") or str(done.error)
    assert message.startswith(f"ImageRetention `retention`: `record{said}")
    assert "remedy: give it the output `record` of the Images on digitalocean" in message
    assert isinstance(done.error, SystemExit | pulumi.RunError)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ('bakewell.Images("x", None)', "Images `x`: its arguments are None, where a dict is expected"),
        ('bakewell.Images("x", {"clout": "aws"})', "Images `x`: there is no argument `clout` (did you mean `cloud`?)"),
        ('bakewell.PublishedImages("x", "other/stack")', "PublishedImages `x`: its arguments are text, where a dict"),
        ('bakewell.ImageRetention("x", {"recrod": {}})', "ImageRetention `x`: there is no argument `recrod` (did you"),
        ('bakewell.Images("x"); bakewell.Images("y")', "Images `y`: Images `x` is for digitalocean already"),
        ('bakewell.Images("x"); bakewell.Images("x")', "Images `x`: Images `x` is for digitalocean already"),
    ],
)
def test_arguments_are_refused_with_the_component_that_has_them(fleet: Fleet, program: str, said: str) -> None:
    done = run(fleet, f"import pulumi_bakewell as bakewell\n{program}\n", preview=True)
    assert isinstance(done.error, SystemExit) and {r.type for r in done.resources} <= {"pulumi:pulumi:Stack"}
    ((level, text),) = done.messages
    assert level == "error" and text.startswith(said) and text.count("remedy: ") == 1


@pytest.mark.parametrize(
    ("kind", "args"), [("Machines", '{"images": images.boot}'), ("ImageRetention", '{"record": images.record}')]
)
def test_a_second_component_for_a_cloud_is_refused_with_both_names(fleet: Fleet, kind: str, args: str) -> None:
    done = run(fleet, IMAGES + "".join(f'bakewell.{kind}("{name}", {args})\n' for name in ("m", "n")))
    said = f"{kind} `n`: {kind} `m` is for digitalocean already, and a stack has one for each of its clouds"
    assert isinstance(done.error, SystemExit) and done.said("error").startswith(said)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("{}", "is missing"),
        ('{"stack": ""}', "is empty, where plain text is expected"),
        ('{"stack": 3}', "is a number, where plain text is expected"),
    ],
)
def test_the_published_images_of_no_stack_are_refused(fleet: Fleet, args: str, said: str) -> None:
    done = run(fleet, 'import pulumi_bakewell as bakewell\nbakewell.PublishedImages("theirs", ARGS)\n', args=args)
    assert isinstance(done.error, SystemExit)
    assert done.said("error").startswith(f"PublishedImages `theirs`: `stack` {said}\n  remedy: name the stack")


def test_every_argument_and_output_is_described() -> None:
    components = [bakewell.Images, bakewell.Machines, bakewell.ImageRetention, bakewell.PublishedImages]
    found = Analyzer("bakewell").analyze(components)["component_definitions"]
    assert set(found) == {component.__name__ for component in components}
    for component in found.values():
        assert component.description and component.outputs
        for name, part in (component.inputs | component.outputs).items():
            assert part.description, f"{component.name}.{name}"


def test_every_name_of_the_api_is_there() -> None:
    assert all(getattr(bakewell, name) for name in bakewell.__all__)


def test_the_api_loads_no_clouds_sdk() -> None:
    lines = "import sys, pulumi_bakewell as b; b.Images, b.Machines, b.ImageRetention, b.PublishedImages, b.clouds; "
    lines += "print(sorted({'pulumi_aws', 'pulumi_digitalocean', 'boto3', 'docker'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", lines], cwd=PROJECT, capture_output=True, text=True, timeout=LONGEST, check=True
    )
    assert done.stdout == "[]\n"


# In a plugin, for programs in other languages.


def construct(kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What a plugin does when the engine asks it for a component; the component's outputs."""
    components = [bakewell.Images, bakewell.Machines, bakewell.ImageRetention, bakewell.PublishedImages]
    provider = ComponentProvider(components, "bakewell")
    made = provider.construct(kind.lower(), f"bakewell:index:{kind}", inputs, pulumi.ResourceOptions())
    return dict(made.state)


def test_a_plugin_makes_one_component_after_the_other_in_one_session(fleet: Fleet) -> None:
    baked = fleet.bake()
    fleet.outputs |= fleet.run().outputs
    fleet.listing.asked.clear()
    states: dict[str, dict[str, Any]] = {}

    def requests() -> None:
        states["images"] = images = construct("Images", {})
        boot, record = pulumi.Output.from_input(images["boot"]), pulumi.Output.from_input(images["record"])
        droplets = {"web": {"count": 2.0, "ssh_keys": ["7"]}}
        states["machines"] = construct("Machines", {"images": boot, "droplets": droplets})
        states["retention"] = construct("ImageRetention", {"record": record})

    done = fleet.ask(requests, preview=True, plugin=True)
    assert done.error is None and done.said("error") == ""
    assert fleet.listing.asked == ["images of bakewell"], "by one look at the cloud"
    droplets = done.of_type(DROPLET)
    assert {droplet.inputs["image"] for droplet in droplets.values()} == {baked["web"].id}
    assert done["imageretention"].inputs["triggers"][2] == {"base": 0, "web": 0, "api": 0}
    assert set(states["images"]) == {"ids", "boot", "record"} and set(states["retention"]) == {"record"}


def test_a_refusal_in_a_plugin_is_an_error_and_ends_no_process(fleet: Fleet) -> None:
    fleet.config["bakewell:keep"] = "0"
    with pytest.raises(Exception, match="`keep` should be greater than or equal to 1"):
        fleet.ask(lambda: print(construct("Images", {})), preview=True, plugin=True)
