"""What is done to standards, by whom, and who is ruled out."""

from operator import attrgetter

from domain.action import Action, Conflict

AUTHOR_APPROVER = Conflict(
    "author-approver",
    "起草与审批分离",
    "whoever drafted a standard may not approve it",
    attrgetter("authors"),
)

DRAFT = Action("standard.draft", "起草规范", ("drafter",))
DESCRIBE = Action("standard.describe", "修改规范说明", ("drafter",))
DRAW = Action("standard.draw", "绘制流程", ("drafter",))
SEPARATE = Action("standard.separate", "规定分离环节", ("drafter",))
DEFINE_DUTY = Action("standard.define_duty", "规定事项", ("drafter",))
REMOVE_DUTY = Action("standard.remove_duty", "删除事项", ("drafter",))
AMEND = Action("standard.amend", "开始修订", ("drafter",))
PUBLISH = Action("standard.publish", "发布规范", ("approver",), (AUTHOR_APPROVER,))
RETIRE = Action("standard.retire", "废止规范", ("approver",))

ACTIONS = (DRAFT, DESCRIBE, DRAW, SEPARATE, DEFINE_DUTY, REMOVE_DUTY, AMEND, PUBLISH, RETIRE)
