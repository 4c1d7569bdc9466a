"""`python -m bakewell`: the operator's commands."""

from bakewell.cli import main

if __name__ == "__main__":
    main()
