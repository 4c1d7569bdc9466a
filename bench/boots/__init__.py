"""`make bench ARGS=boots`: machines from create to ready, baked ones against stock ones that install the same."""
