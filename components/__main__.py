"""The plugin as Pulumi's Python host starts it, by PulumiPlugin.yaml."""

from pulumi_bakewell.plugin import main

main()
