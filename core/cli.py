"""The command line: where `faceplate` begins. Each module named here brings its commands."""

from __future__ import annotations

from faceplate.core import clirender, clitools
from faceplate.core.shell import app

__all__ = ["app", "clirender", "clitools", "main"]


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
