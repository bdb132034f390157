"""Why a sealer does not seal."""


class Unwilling(Exception):
    """The sealer cannot begin; the sentence says why, and what to do."""


class Unaccountable(Exception):
    """The log holds something that its writer did not sign, or no longer holds what was sealed.

    ``index`` is that of the first leaf concerned, ``kind`` one word for what is wrong with it.
    """

    def __init__(self, index: int | None, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.index = index
        self.kind = kind
