"""The server's process: what a call passes on its way to moto, and the answers that are not moto's."""
