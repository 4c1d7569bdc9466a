"""An application's stack: one droplet of its own, booted from the `web` image that the platform's stack published."""

import os

import pulumi
import pulumi_digitalocean as digitalocean

from bakewell.settings import Environment
from bakewell.user_data import UserData
from components.published_images import PublishedImages
from components.stack.refusal import refusals

with refusals():
    config = pulumi.Config()
    region = config.require("region")
    environment = Environment.read(os.environ)
    environment.require_token()

    published = PublishedImages(config.require("platform"))
    shop = digitalocean.Droplet(
        "shop",
        image=published.image_id("web", region=region),
        region=region,
        size="s-1vcpu-1gb",
        user_data=UserData.of("web", ["nginx.service"]).render(),
        opts=pulumi.ResourceOptions(provider=digitalocean.Provider("cloud", api_endpoint=environment.endpoint)),
    )

    pulumi.export("image", shop.image)
    pulumi.export("url", shop.ipv4_address.apply(lambda address: f"http://{address}/"))
