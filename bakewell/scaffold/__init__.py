"""Files of a project of one's own: what `bakewell init` and `bakewell new-role` write. Knows no command line."""
