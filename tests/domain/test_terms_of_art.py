"""Each event of the model goes by its Chinese term of art, which opens its docstring and is shown to people."""

import pytest

from domain.topics import TOPICS

TERMS = {
    "organisation.OrganisationEstablished": "组织设立",
    "organisation.OfficerAppointed": "任职",
    "organisation.TermExpired": "届满",
    "organisation.ReelectionHeld": "换届",
    "organisation.MemberAdmitted": "接收党员",
    "organisation.MemberTransferred": "组织关系转接",
    "organisation.MemberDoublyRegistered": "双报到",
    "organisation.OrganisationDissolved": "撤销",
    "standard.FlowStepDefined": "流程环节",
    "standard.StandardPublished": "发布",
    "standard.StandardAmended": "修订",
    "standard.StandardRetired": "废止",
    "ledger.ObligationRaised": "事项生成",
    "ledger.StepCompleted": "环节完成",
    "ledger.LedgerEntryFiled": "台账登记",
    "ledger.EvidenceAttached": "附证",
    "ledger.EntryVerified": "核验",
    "ledger.EntryRejected": "退回",
    "ledger.OmissionDetected": "漏项",
    "ledger.ExceptionExplained": "情况说明",
    "ledger.ObligationWaived": "豁免",
    "ledger.EntryCorrected": "更正",
    "ledger.LateEntryMarked": "补录",
}


@pytest.mark.parametrize(("topic", "term"), TERMS.items())
def test_an_event_is_known_by_its_term_of_art(topic: str, term: str) -> None:
    assert (TOPICS[topic].__doc__ or "").startswith(f"{term}: ")
