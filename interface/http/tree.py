"""The tree of organisations: one and those below it, level by level, each level whole or not at all."""

from dataclasses import dataclass
from uuid import UUID

from domain.organisation import Level, Setting, Standing
from projections.organisation import OrganisationRow
from projections.query import Views

# Organisations that one tree shows at most.
LARGEST = 2000


@dataclass(frozen=True)
class TreeNode:
    """An organisation and those below it, by code. ``more``: there are some below it that are not shown."""

    id: UUID
    code: str
    name: str
    level: Level
    setting: Setting
    standing: Standing
    more: bool
    children: "list[TreeNode]"


@dataclass(frozen=True)
class Tree:
    known_at: int
    root: TreeNode


def grow(views: Views, top: OrganisationRow, depth: int, at: int) -> Tree:
    """Return so many levels below an organisation, and whether there are more, as known at a position."""
    children: dict[UUID, list[OrganisationRow]] = {}
    partial: set[UUID] = set()
    level, left = [top], LARGEST
    for shown in (*[True] * depth, False):
        parents = [row.key for row in level]
        if not parents:
            break
        page = views.page(OrganisationRow, ("code",), at, where={"parent": parents}, limit=max(left, 1))
        if shown and page.next is None:
            for row in page.rows:
                assert row.parent
                children.setdefault(row.parent, []).append(row)
            level, left = page.rows, left - len(page.rows)
        else:
            partial = set(parents) if page.next else {row.parent for row in page.rows if row.parent}
            break

    def node(row: OrganisationRow) -> TreeNode:
        below = [node(each) for each in children.get(row.key, ())]
        return TreeNode(row.key, row.code, row.name, row.level, row.setting, row.standing, row.key in partial, below)

    return Tree(at, node(top))
