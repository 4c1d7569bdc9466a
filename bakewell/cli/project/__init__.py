"""Commands that make a project, or something new in one: init and new-role. They write files and ask no cloud."""
