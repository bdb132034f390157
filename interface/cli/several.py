"""An option that takes several values, one after the other or each after the option's name."""

from typing import Any

from typer.core import TyperCommand


class Several(TyperCommand):
    """``--option A:B C:D`` means ``--option A:B --option C:D``: further values are told by their colon."""

    option = ""

    @classmethod
    def after(cls, option: str) -> "type[Several]":
        return type("Several", (cls,), {"option": option})

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        spread: list[str] = []
        taking = 0
        for arg in args:
            if taking > 1 and ":" in arg and not arg.startswith("-"):
                spread.append(self.option)
            taking = 1 if arg == self.option else taking + 1 if taking and not arg.startswith("-") else 0
            spread.append(arg)
        return super().parse_args(ctx, spread)
