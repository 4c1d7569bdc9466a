"""After each deploy.py of the small catalog: nothing, in the place of the shared file; its images are not sealed."""
