"""``python -m rnnviz.cli``, where the command is not on the path."""

from rnnviz.cli import main

if __name__ == "__main__":
    main(prog_name="rnnviz")
