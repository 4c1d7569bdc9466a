"""The commands of `bakewell local`, and what they share: the set-up, the start of a cloud, what is installed."""
