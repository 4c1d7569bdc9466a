"""The base image of the small catalog: one file in place."""

from steps import stamp

stamp.place("base")
