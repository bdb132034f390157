"""What is done to organisations, and by whom."""

from domain.action import Action

ESTABLISH = Action("organisation.establish", "组织设立", ("personnel",))
RENAME = Action("organisation.rename", "更名", ("personnel",))
CHANGE_SETTING = Action("organisation.change_setting", "变更城乡属性", ("personnel",))
MOVE = Action("organisation.move", "变更隶属", ("personnel",))
ASSIGN_CODE = Action("organisation.assign_code", "赋码", ("personnel",))
WITHDRAW_CODE = Action("organisation.withdraw_code", "收回代码", ("personnel",))
APPOINT_OFFICER = Action("organisation.appoint_officer", "任职", ("personnel",))
RELEASE_OFFICER = Action("organisation.release_officer", "免职", ("personnel",))
EXPIRE_TERMS = Action("organisation.expire_terms", "登记届满", ("personnel", "secretary"))
REELECT = Action("organisation.reelect", "登记换届", ("personnel", "secretary"))
ADMIT = Action("organisation.admit", "接收党员", ("personnel", "secretary"))
CONFIRM = Action("organisation.confirm", "党员转正", ("personnel", "secretary"))
LOSE = Action("organisation.lose_members", "党员减少", ("personnel", "secretary"))
TRANSFER = Action("organisation.transfer", "组织关系转接", ("personnel",))
RECEIVE = Action("organisation.receive", "接收转入党员", ("personnel", "secretary"))
REGISTER_DOUBLY = Action("organisation.register_doubly", "双报到", ("personnel", "secretary"))
BEGIN_DISSOLUTION = Action("organisation.begin_dissolution", "启动撤销", ("personnel",))
ABANDON_DISSOLUTION = Action("organisation.abandon_dissolution", "中止撤销", ("personnel",))
DISSOLVE = Action("organisation.dissolve", "撤销组织", ("personnel",))

ACTIONS = (
    ESTABLISH,
    RENAME,
    CHANGE_SETTING,
    MOVE,
    ASSIGN_CODE,
    WITHDRAW_CODE,
    APPOINT_OFFICER,
    RELEASE_OFFICER,
    EXPIRE_TERMS,
    REELECT,
    ADMIT,
    CONFIRM,
    LOSE,
    TRANSFER,
    RECEIVE,
    REGISTER_DOUBLY,
    BEGIN_DISSOLUTION,
    ABANDON_DISSOLUTION,
    DISSOLVE,
)
