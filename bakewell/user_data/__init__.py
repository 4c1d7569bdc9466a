"""user_data says who a machine is and what it starts, never how to install it: that is in the image."""

from bakewell.user_data.model import LIMITS, MACHINE_FILE, Cluster, UserData

__all__ = ["LIMITS", "MACHINE_FILE", "Cluster", "UserData"]
