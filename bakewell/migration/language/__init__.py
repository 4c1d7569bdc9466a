"""The languages of templates: HCL2 and JSON as the nodes of `syntax`; files that belong together as a `template`."""
