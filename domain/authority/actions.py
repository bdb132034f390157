"""What is done to people's mandates, by whom, and who is ruled out."""

from operator import attrgetter

from domain.action import Action, Conflict

APPOINTER_APPOINTEE = Conflict(
    "appointer-appointee",
    "授权与被授权分离",
    "nobody gives themselves a duty, takes it away, or lifts their own suspension",
    lambda person: (person.id,),
)
ASKER_GRANTER = Conflict(
    "asker-granter",
    "应急申请与批准分离",
    "whoever asked for emergency access, or is to have it, may not grant or decline it",
    attrgetter("askers"),
)

REGISTER = Action("authority.register", "人员登记", ("personnel",))
APPOINT = Action("authority.appoint", "授权任命", ("administrator",), (APPOINTER_APPOINTEE,))
END_APPOINTMENT = Action("authority.end_appointment", "终止授权", ("administrator",), (APPOINTER_APPOINTEE,))
SUSPEND = Action("authority.suspend", "停职", ("personnel", "inspector"), (APPOINTER_APPOINTEE,))
REINSTATE = Action("authority.reinstate", "恢复履职", ("personnel", "inspector"), (APPOINTER_APPOINTEE,))
DELEGATE = Action("authority.delegate", "委托")
REVOKE = Action("authority.revoke", "撤回委托")
DECLARE = Action("authority.declare", "关系申报")
DECLARE_FOR = Action("authority.declare_for", "代为申报关系", ("personnel", "inspector"))
END_RELATION = Action("authority.end_relation", "解除关系", ("personnel", "inspector"), (APPOINTER_APPOINTEE,))
REQUEST_EMERGENCY = Action("authority.request_emergency", "应急授权申请")
DECIDE_EMERGENCY = Action("authority.decide_emergency", "应急授权批准", ("administrator", "decider"), (ASKER_GRANTER,))
OWN_TOKENS = Action("authority.own_tokens", "管理本人令牌")
ISSUE_TOKEN = Action("authority.issue_token", "签发服务账号令牌", ("operator",))
OPEN_SIGN_IN = Action("authority.open_sign_in", "开通登录", ("personnel",))
CLOSE_SIGN_IN = Action("authority.close_sign_in", "停用登录", ("personnel", "inspector"))
OWN_SESSIONS = Action("authority.own_sessions", "管理本人会话")
EXPLAIN = Action("authority.explain", "说明他人授权", ("personnel", "inspector", "auditor"))

ACTIONS = (
    REGISTER,
    APPOINT,
    END_APPOINTMENT,
    SUSPEND,
    REINSTATE,
    DELEGATE,
    REVOKE,
    DECLARE,
    DECLARE_FOR,
    END_RELATION,
    REQUEST_EMERGENCY,
    DECIDE_EMERGENCY,
    OWN_TOKENS,
    ISSUE_TOKEN,
    OPEN_SIGN_IN,
    CLOSE_SIGN_IN,
    OWN_SESSIONS,
    EXPLAIN,
)
