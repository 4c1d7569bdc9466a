"""Before each deploy.py of the small catalog: nothing, in the place of the shared file; that keeps its images cheap."""
