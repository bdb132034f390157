"""What is done to the ledger, by whom, and who is ruled out."""

from operator import attrgetter

from domain.action import Action, Conflict

FILER_VERIFIER = Conflict(
    "filer-verifier",
    "填报与核验分离",
    "whoever filed or corrected an entry may not verify it",
    attrgetter("filers"),
)
FILER_REJECTER = Conflict(
    "filer-rejecter",
    "填报与退回分离",
    "whoever filed or corrected an entry may not reject it: correct it instead",
    attrgetter("filers"),
)
EXPLAINER_DECIDER = Conflict(
    "explainer-decider",
    "说明与审定分离",
    "whoever explained an exception may not decide it",
    attrgetter("explainers"),
)
OWER_WAIVER = Conflict(
    "ower-waiver",
    "填报说明与豁免分离",
    "whoever filed or explained for an obligation may not waive it",
    attrgetter("owers"),
)

RAISE_YEAR = Action("ledger.raise_year", "生成年度事项", ("approver",))
RAISE_CASE = Action("ledger.raise_case", "开立办件", ("filer", "secretary", "approver"))
START_STEP = Action("ledger.start_step", "开始环节", ("filer", "secretary"))
COMPLETE_STEP = Action("ledger.complete_step", "完成环节", ("filer", "secretary"))
FILE = Action("ledger.file", "台账登记", ("filer", "secretary"))
ATTACH = Action("ledger.attach", "附证", ("filer", "secretary"))
CORRECT = Action("ledger.correct", "更正登记", ("filer", "secretary"))
EXPLAIN = Action("ledger.explain", "情况说明", ("filer", "secretary"))
VERIFY = Action("ledger.verify", "核验登记", ("verifier",), (FILER_VERIFIER,))
REJECT = Action("ledger.reject", "退回登记", ("verifier",), (FILER_REJECTER,))
ACCEPT_EXCEPTION = Action("ledger.accept_exception", "认可情况说明", ("decider",), (EXPLAINER_DECIDER,), above=True)
DECLINE_EXCEPTION = Action("ledger.decline_exception", "不认可情况说明", ("decider",), (EXPLAINER_DECIDER,), above=True)
WAIVE = Action("ledger.waive", "豁免事项", ("decider",), (OWER_WAIVER,), above=True)

ACTIONS = (
    RAISE_YEAR,
    RAISE_CASE,
    START_STEP,
    COMPLETE_STEP,
    FILE,
    ATTACH,
    CORRECT,
    EXPLAIN,
    VERIFY,
    REJECT,
    ACCEPT_EXCEPTION,
    DECLINE_EXCEPTION,
    WAIVE,
)
