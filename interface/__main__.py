"""``python -m interface``: the command line, for a process that starts another of its own program."""

from interface.cli import main

if __name__ == "__main__":
    main()
