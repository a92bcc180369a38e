"""The roof: one command line that imports only the floor asked for."""

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
