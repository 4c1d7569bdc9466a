"""The endpoints under /v2, one file a family: each has a `routes(cloud)` that returns its router."""
