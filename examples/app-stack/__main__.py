"""An application's stack: machines of its own, booted from the `web` image that the platform's stack published.

A droplet in `region`; where `aws_region` is set, an EC2 instance too.
"""

import os

import pulumi
import pulumi_aws as aws
import pulumi_digitalocean as digitalocean
from pulumi_bakewell.digitalocean.limits import LIMITS, remedy
from pulumi_bakewell.digitalocean.provider import provider as digitalocean_provider
from pulumi_bakewell.published_images import PublishedImages
from pulumi_bakewell.stack.refusal import refusals

from bakewell.settings import Environment
from bakewell.user_data import UserData

with refusals():
    config = pulumi.Config()
    region, aws_region = config.require("region"), config.get("aws_region")
    environment = Environment.read(os.environ)
    environment.require_token()

    published = PublishedImages(config.require("platform"))
    web = UserData.of("web", ["nginx.service"])
    shop = digitalocean.Droplet(
        "shop",
        image=published.image_id("web", region=region),
        region=region,
        size="s-1vcpu-1gb",
        user_data=web.render(),
        opts=pulumi.ResourceOptions(
            provider=digitalocean_provider("cloud", environment),
            replace_on_changes=["size"],
            custom_timeouts=LIMITS,
            hooks=remedy(),
        ),
    )
    pulumi.export("image", shop.image)
    pulumi.export("url", shop.ipv4_address.apply(lambda address: f"http://{address}/"))

    if aws_region:
        accounts = [config.require("aws_account")]  # with credentials of another one, nothing is made
        provider = aws.Provider("aws", region=aws_region, allowed_account_ids=accounts)
        opts = pulumi.ResourceOptions(provider=provider)
        everybody = ["0.0.0.0/0"]
        group = aws.ec2.SecurityGroup(
            "shop",
            ingress=[{"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": everybody}],
            egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": everybody}],
            opts=opts,
        )
        instance = aws.ec2.Instance(
            "shop",
            ami=published.image_id("web", region=aws_region, cloud="aws"),
            instance_type="t3.micro",
            vpc_security_group_ids=[group.id],
            user_data=web.render(cloud="aws"),
            user_data_replace_on_change=True,
            opts=pulumi.ResourceOptions(provider=provider, replace_on_changes=["instanceType"]),
        )
        pulumi.export("aws_image", instance.ami)
        pulumi.export("aws_url", instance.public_ip.apply(lambda address: f"http://{address}/"))
