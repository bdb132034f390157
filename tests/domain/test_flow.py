"""Flows by hand: which are refused and where they say the fault is, and what the lawful ones say about order."""

import time

import pytest

from domain.event import Refused
from domain.standard import Analysis, Flow, Link, Node, analyse, check
from tests.domain.flows import drawn


def order(*chains: str) -> Analysis:
    flow = drawn(*chains)
    check(flow)
    return analyse(flow)


def refusal(flow: Flow) -> str:
    with pytest.raises(Refused) as refused:
        check(flow)
    assert refused.value.field == "flow"
    return str(refused.value)


def node(id: str, flow: Flow) -> Node:
    return next(each for each in flow.nodes if each.id == id)


def test_steps_in_a_row_are_all_required_each_after_the_one_before() -> None:
    assert order("s a b c e") == Analysis(("a", "b", "c"), frozenset("abc"), (("a", "b"), ("b", "c")))


def test_of_alternatives_none_is_required_and_none_comes_before_what_follows() -> None:
    found = order("s a x1 b x2 d e", "x1 c x2")
    assert found.required == set("ad")
    assert set(found.precedes) == {("a", "b"), ("a", "c"), ("a", "d")}


def test_every_parallel_branch_is_required_and_waited_for() -> None:
    found = order("s a p1 b p2 d e", "p1 c p2")
    assert found.required == set("abcd")
    assert set(found.precedes) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}


def test_a_step_that_can_be_skipped_is_not_required_and_what_follows_does_not_wait_for_it() -> None:
    found = order("s a x1 b x2 c e", "x1 x2")
    assert found.required == set("ac")
    assert set(found.precedes) == {("a", "b"), ("a", "c")}


def test_the_body_of_a_loop_is_required_and_its_way_back_is_not() -> None:
    found = order("s x1 a x2 b e", "x2 again x1")
    assert found.required == set("ab")
    assert set(found.precedes) == {("a", "b"), ("a", "again")}


def test_a_loop_may_hold_parallel_branches() -> None:
    found = order("s x1 p1 a p2 x2 c e", "p1 b p2", "x2 x1")
    assert found.required == set("abc")
    assert set(found.precedes) == {("a", "c"), ("b", "c")}


def test_several_links_into_a_task_are_alternatives_and_several_out_of_it_run_in_parallel() -> None:
    found = order("s x1 a c p1 e", "x1 b c", "c d p1")
    assert found.required == set("cd")
    assert set(found.precedes) == {("c", "d")}


def test_a_start_with_several_links_starts_them_all() -> None:
    assert order("s a e1", "s b e2").required == set("ab")


def test_a_run_is_complete_only_when_every_branch_has_come_to_an_end() -> None:
    found = order("s a p1 b e1", "p1 c e2")
    assert found.required == set("abc")
    assert set(found.precedes) == {("a", "b"), ("a", "c")}


def test_the_way_to_one_end_does_not_require_the_steps_before_another() -> None:
    found = order("s a x1 b e1", "x1 c e2")
    assert found.required == {"a"}


def test_a_gateway_may_both_join_and_split() -> None:
    found = order("s p1 a p2 c p3 e", "p1 b p2 d p3")
    assert found.required == set("abcd")
    assert set(found.precedes) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    assert order("s x1 a x2 c x3 e", "x1 b x2 d x3").required == set()


def test_parallel_branches_that_merge_without_a_join_go_on_once_each() -> None:
    found = order("s p1 a x1 c e", "p1 b x1")
    assert found.required == set("abc")
    assert found.precedes == (), "c may follow a before b, and b before a"


def test_two_links_between_the_same_nodes_are_two_links() -> None:
    assert order("s p1 p2 a e", "p1 p2").required == {"a"}
    assert order("s x1 a e", "x1 a").required == {"a"}
    assert order("s a b e", "a b").precedes == (("a", "b"),)


def test_only_immediate_pairs_are_given() -> None:
    found = order("s a p1 b p2 d x1 f x2 g e", "p1 c p2", "x1 x2")
    assert set(found.precedes) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "f"), ("d", "g")}


def test_a_loop_may_give_off_work_that_ends_by_itself() -> None:
    found = order("s x1 a p1 x2 b e1", "p1 notice x3 letter e2", "x3 e2", "x2 x1")
    assert found.required == {"a", "b", "notice"}
    assert set(found.precedes) == {("a", "b"), ("a", "notice"), ("notice", "letter")}


def test_up_to_twenty_rounds_may_wait_before_a_step() -> None:
    assert order(*["s p1"], *["p1 x1"] * 20, "x1 a e").required == {"a"}
    assert refusal(drawn(*["s p1"], *["p1 x1"] * 21, "x1 a e")) == (
        "work piles up before “a”: more than 20 rounds of it can wait there at once"
    )


def test_a_flow_of_a_thousand_steps_is_followed() -> None:
    steps = [f"t{n}" for n in range(998)]
    assert len(order(" ".join(["s", *steps, "e"])).precedes) == 997


@pytest.mark.parametrize(
    ("chains", "sentence"),
    [
        (("a b e",), "the flow has no start"),
        (("s1 a e", "s2 a"), "a flow has one start; this one has s1, s2"),
        (("s a",), "the flow has no end"),
        (("s e",), "the flow has no task"),
        (("s a e b",), "the end e has an outgoing link"),
        (("s a e", "a s"), "the start s has an incoming link"),
        (("s a e", "b e"), "nothing leads from the start to “b”"),
        (("s a e", "b"), "nothing leads from the start to “b”"),
        (("s a e", "b c b"), "nothing leads from the start to “b”"),
        (("s a x1 e", "x1 b"), "nothing leads from “b” to an end"),
        (("s a x1 e", "x1 x2 b x2"), "nothing leads from x2 to an end"),
        (("s x1 a p1 e", "x1 b p1"), "a run gets stuck before p1: a parallel gateway waits for a branch that is not"),
        (("s p1 a p2 c e", "p1 x1 b p2", "x1 e2"), "a run gets stuck before p2: a parallel gateway waits"),
        (("s a p1 b x1 e", "x1 p1"), "a run gets stuck before p1: a parallel gateway waits for a branch that is not"),
        (
            ("s a b e", "b b"),
            "nothing lets a run leave the loop of “b”: an exclusive gateway with a way out is missing",
        ),
        (("s a b c e", "c b"), "nothing lets a run leave the loop of “b”, “c”: an exclusive gateway with a way out"),
        (("s a p1 e", "p1 b x1 a", "x1 c a"), "a run that has come to x1 can never be completed"),
    ],
)
def test_a_flow_that_does_not_hold_is_refused_and_the_place_is_named(chains: tuple[str, ...], sentence: str) -> None:
    assert refusal(drawn(*chains)).startswith(sentence)


def test_a_gateway_is_named_by_its_label_where_it_has_one() -> None:
    flow = drawn("s x1 a p1 e", "x1 b p1")
    labelled = node("p1", flow).model_copy(update={"name": "both in"})
    assert refusal(flow.model_copy(update={"nodes": (*(n for n in flow.nodes if n.id != "p1"), labelled)})).startswith(
        "a run gets stuck before “both in”"
    )


def test_work_that_piles_up_is_refused_and_the_place_is_named() -> None:
    assert refusal(drawn("s x1 p1 x2 e1", "p1 a p2 b e2", "p1 c p2", "x2 x1")).startswith("work piles up before p2")


def test_identifiers_and_names_must_tell_things_apart() -> None:
    flow = drawn("s a b e")
    twice = Link(id="a", source="a", target="b")
    assert refusal(flow.model_copy(update={"links": (*flow.links, twice)})) == "the identifier a is used 2 times"
    same = node("b", flow).model_copy(update={"name": "a"})
    assert refusal(flow.model_copy(update={"nodes": (*flow.nodes[:2], same, *flow.nodes[3:])})) == (
        "2 tasks are named “a”; a ledger cannot tell them apart"
    )
    nowhere = Link(id="n", source="a", target="zz")
    assert (
        refusal(flow.model_copy(update={"links": (*flow.links, nowhere)})) == "the link n names zz, which is not there"
    )


@pytest.mark.parametrize("name", ["", " a", "a ", "a  b", "a\nb", "a\x00", "\ufffe", "a" * 201])
def test_a_task_has_a_name_that_can_be_printed_and_compared(name: str) -> None:
    flow = drawn("s a e")
    named = flow.model_copy(update={"nodes": (*flow.nodes[:1], Node(id="a", kind="task", name=name), flow.nodes[2])})
    assert refusal(named).startswith(("the name of a has at most 200", "the task a needs a name"))


@pytest.mark.parametrize("id", ["", "a\n", "\x00", "a" * 101, "\ud800"])
def test_an_identifier_can_be_printed(id: str) -> None:
    flow = drawn("s a e")
    other = Link(id=id, source="s", target="a")
    assert refusal(flow.model_copy(update={"links": (*flow.links, other)})).startswith("an identifier has 1 to 100")


def test_a_flow_larger_than_anybody_can_follow_is_refused() -> None:
    assert refusal(drawn(" ".join(["s", *(f"t{n}" for n in range(1000)), "e"]))) == "the flow has more than 1000 nodes"
    assert refusal(drawn("s x1", *["x1 a"] * 2000, "a e")) == "the flow has more than 2000 links"


def test_three_hundred_steps_with_parallels_choices_and_loops_take_about_a_second() -> None:
    chains: list[str] = ["s p0"]
    for block in range(3):
        for branch in range(10):
            at = f"{block}{branch}"
            chains += [
                f"p{block} a{at} x1{at} b{at} x2{at} x3{at} d{at} x4{at} f{at} g{at} h{at} x5{at} i{at} x6{at}",
                f"x6{at} p{block + 100}",
                f"x1{at} c{at} x2{at}",
                f"x4{at} back{at} x3{at}",
                f"x5{at} j{at} x6{at}",
            ]
        chains.append(f"p{block + 100} p{block + 1}" if block < 2 else "p102 e")
    flow = drawn(*chains)
    assert len(flow.steps) == 300
    begun = time.process_time()
    check(flow)
    found = analyse(flow)
    assert time.process_time() - begun < 5, "a generous bound for a busy machine; it takes 0.3 s"
    assert len(found.required) == 150
    assert ("i010", "a110") not in found.precedes
    assert ("h00", "a11") in found.precedes


def test_a_flow_too_entangled_to_be_followed_is_refused_in_seconds() -> None:
    ring = [f"p1 x{n} a{n} x{n % 19 + 1}" for n in range(1, 20)]
    jumps = [f"x{n} x{n * 7 % 19 + 1}" for n in range(1, 20)] + [f"x{n} x99" for n in range(1, 20)]
    begun = time.process_time()
    assert refusal(drawn("s t p1", *ring, *jumps, "x99 e")).startswith("the flow is too entangled around x")
    assert time.process_time() - begun < 20, "a generous bound for a busy machine; it takes 2 s"
