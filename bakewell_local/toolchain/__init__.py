"""Set-up for development: the Go tools, the Docker Engine, and how progress is told. No part of production."""
