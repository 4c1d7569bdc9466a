"""Pulumi components: the only place that creates resources.

They decide nothing: what exists, what it is made of and what may be deleted is worked out in `bakewell`, which knows
no Pulumi.
"""
