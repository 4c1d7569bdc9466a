"""user_data: the identity of a machine and the units that it starts. Software is installed in the image."""

from bakewell.user_data.model import LIMITS, MACHINE_FILE, Cluster, UserData

__all__ = ["LIMITS", "MACHINE_FILE", "Cluster", "UserData"]
