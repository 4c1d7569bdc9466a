"""An application's stack: machines of its own, booted from the `web` image that the platform's stack published.

A droplet in `region`; where `aws_region` is set, an EC2 instance too.
"""

import pulumi
import pulumi_aws as aws
import pulumi_bakewell as bakewell
import pulumi_digitalocean as digitalocean

config = pulumi.Config()
region, aws_region = config.require("region"), config.get("aws_region")

published = bakewell.PublishedImages("platform", {"stack": config.require("platform")})
nginx = ["nginx.service"]
shop = digitalocean.Droplet(
    "shop",
    image=published.image_id("web", region=region),
    region=region,
    size="s-1vcpu-1gb",
    user_data=bakewell.user_data("web", nginx),
    opts=pulumi.ResourceOptions.merge(
        bakewell.droplet_options("shop"),
        pulumi.ResourceOptions(provider=bakewell.digitalocean_provider("cloud")),
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
        user_data=bakewell.user_data("web", nginx, cloud="aws"),
        user_data_replace_on_change=True,
        opts=pulumi.ResourceOptions(provider=provider, replace_on_changes=["instanceType"]),
    )
    pulumi.export("aws_image", instance.ami)
    pulumi.export("aws_url", instance.public_ip.apply(lambda address: f"http://{address}/"))
