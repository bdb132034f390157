"""People sign in with a password, and are known by a cookie that is of no use to anybody else."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
from httpx2 import Response
from psycopg import sql
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from application.access import person_id
from application.accounts import BY_NAME_AND_ADDRESS
from application.database import Role
from application.passwords import Passwords, generate
from interface.app import Installation
from interface.http import create_app
from tests.interface.callers import Person

PASSWORD, ANOTHER = "竹海深处有人家，一九五八", "安吉白茶谷雨之前采摘完毕了"
NAME = "Eve"


class Counting(PasswordHash):
    """The hasher of the service, which takes less time, and counts what it verifies."""

    def __init__(self) -> None:
        super().__init__([Argon2Hasher(time_cost=1, memory_cost=64)])
        self.verified = 0

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.verified += 1
        return super().verify(password, hash)


@pytest.fixture
def hasher(installation: Installation) -> Counting:
    hasher = Counting()
    installation.accounts = replace(installation.accounts, passwords=Passwords(hasher))
    return hasher


@dataclass
class Browser:
    """A browser, which keeps cookies, and sends what a page of ours would."""

    client: TestClient
    proof: str = ""

    def sign_in(self, login: str, password: str, chosen: str | None = None, **headers: str) -> Response:
        body = {"login": login, "password": password, **({"new_password": chosen} if chosen else {})}
        answer = self.client.post("/api/session", json=body, headers=headers)
        if answer.status_code == 201:
            self.proof = answer.json()["proof"]
        return answer

    def get(self, path: str, **params: Any) -> Response:
        return self.client.get(f"/api{path}", params=params)

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        sent = {"Taizhang-Proof": self.proof, "Sec-Fetch-Site": "same-origin", **headers}
        return self.client.post(f"/api{path}", json=body or {}, headers=sent)

    @property
    def secret(self) -> str:
        return self.client.cookies["taizhang"]


@pytest.fixture
def browser(installation: Installation, hasher: Counting) -> Iterator[Callable[[], Browser]]:
    """Open browsers, each with cookies of its own."""
    assert hasher
    clients: list[TestClient] = []

    def opened(url: str = "http://testserver") -> Browser:
        clients.append(TestClient(create_app(installation), base_url=url, raise_server_exceptions=False))
        return Browser(clients[-1].__enter__())

    yield opened
    for client in clients:
        client.__exit__()


@pytest.fixture
def eve(installation: Installation, ann: Person, village: UUID) -> UUID:
    """Somebody with a duty in a village, who does not sign in yet."""
    id = installation.entrust(NAME, "secretary", village)
    assert ann.saw("/people")["items"]
    return id


@pytest.fixture
def code(ann: Person, eve: UUID) -> str:
    made = ann.did(f"/people/{eve}/sign-in", {"login": "eve@村"})
    assert isinstance(made["code"], str)
    return made["code"]


@pytest.fixture
def signed_in(browser: Callable[[], Browser], code: str) -> Browser:
    page = browser()
    assert page.sign_in("eve@村", code, PASSWORD).status_code == 201
    return page


def test_a_code_is_good_for_choosing_a_password_once(browser: Callable[[], Browser], code: str) -> None:
    page = browser()
    first = page.sign_in("eve@村", code)
    assert (first.status_code, first.json()["field"]) == (422, "body.new_password")
    weak = page.sign_in("eve@村", code, "short")
    assert (weak.status_code, weak.json()["field"]) == (422, "body.new_password")
    assert page.sign_in(" eve@村".strip().upper(), code, PASSWORD).status_code == 201, "case does not matter"
    assert page.get("/session").json()["name"] == NAME
    assert browser().sign_in("eve@村", code, ANOTHER).status_code == 401
    assert browser().sign_in("eve@村", PASSWORD).status_code == 201


def test_the_cookie_is_for_this_host_and_out_of_the_reach_of_scripts(
    browser: Callable[..., Browser], code: str
) -> None:
    plain = browser().sign_in("eve@村", code, PASSWORD).headers["set-cookie"]
    name, *attributes = plain.split("; ")
    assert name.startswith("taizhang=")
    assert set(attributes) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"}
    over_tls = browser("https://testserver").sign_in("eve@村", PASSWORD).headers["set-cookie"]
    name, *attributes = over_tls.split("; ")
    assert name.startswith("__Host-taizhang=")
    assert set(attributes) == {"Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax", "Secure"}


def test_a_cookie_that_any_host_could_have_set_is_none_over_tls(
    browser: Callable[..., Browser], signed_in: Browser
) -> None:
    page = browser("https://testserver")
    page.client.cookies.set("taizhang", signed_in.secret)
    assert page.get("/session").status_code == 401
    page.client.cookies.set("__Host-taizhang", signed_in.secret)
    assert page.get("/session").status_code == 200


def test_what_is_done_in_a_session_is_done_by_its_person(signed_in: Browser, ann: Person, village: UUID) -> None:
    done = signed_in.post(f"/organisations/{village}/members/admission", {"full": 1})
    assert done.status_code == 200
    [event] = ann.saw("/log", params={"after": done.json()["position"] - 1})["items"]
    assert event["account"]["actor"] == str(person_id(NAME))
    assert signed_in.get(f"/organisations/{village}").status_code == 200
    assert signed_in.post("/organisations", {"name": "甲", "level": "county"}).json()["type"].endswith(":denied")


def test_a_cookie_alone_commands_nothing(signed_in: Browser, ann: Person, village: UUID) -> None:
    head = ann.saw("/views")["head"]
    path = f"/organisations/{village}/members/admission"
    forgeries: list[dict[str, str]] = [
        {"Taizhang-Proof": ""},
        {"Taizhang-Proof": "0" * 64},
        {"Taizhang-Proof": "é"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
    ]
    for headers in forgeries:
        sent = {name: value.encode() if not value.isascii() else value for name, value in headers.items()}
        answer = signed_in.post(path, {"full": 1}, **sent)  # type: ignore[arg-type]  # bytes, as a client may send
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:taizhang:problem:forged"), headers
    assert ann.saw("/views")["head"] == head
    allowed = signed_in.post(path, {"full": 1}, **{"Sec-Fetch-Site": "", "Origin": "http://testserver"})
    assert allowed.status_code == 200


def test_nobody_is_signed_in_by_a_page_of_another_site(browser: Callable[[], Browser], code: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        answer = browser().sign_in("eve@村", code, PASSWORD, **headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert browser().client.post("/api/session", content=b"login=eve", headers=form).status_code == 415


def test_whether_there_is_such_a_name_cannot_be_told(
    browser: Callable[[], Browser], signed_in: Browser, hasher: Counting, ann: Person, eve: UUID
) -> None:
    assert signed_in
    page, answers, verified = browser(), [], []
    attempts = [("eve@村", "wrong"), ("nobody", "wrong"), ("eve@村", PASSWORD + "x"), ("", ""), ("\u2028", "wrong")]
    for login, password in attempts:
        before = hasher.verified
        answers.append(page.sign_in(login, password))
        verified.append(hasher.verified - before)
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert verified == [1] * len(attempts), "each takes as long as any other"
    ann.did(f"/people/{eve}/sign-in/closure")
    closed = page.sign_in("eve@村", PASSWORD)
    assert (closed.status_code, closed.content) == (401, answers[0].content)


def test_guessing_is_slowed_down_for_known_and_unknown_names_alike(
    browser: Callable[[], Browser], signed_in: Browser
) -> None:
    assert signed_in
    page, most = browser(), BY_NAME_AND_ADDRESS.item.amount
    for login in ("eve@村", "nobody"):
        statuses = [page.sign_in(login, f"guess {n}").status_code for n in range(most + 2)]
        assert statuses == [401] * most + [429] * 2
    late = page.sign_in("eve@村", PASSWORD)
    assert late.status_code == 429, "not even the right password is tried"
    assert 0 < int(late.headers["Retry-After"]) <= 15 * 60
    assert late.json()["type"] == "urn:taizhang:problem:throttled"


def test_whoever_gets_it_right_begins_to_be_counted_anew(browser: Callable[[], Browser], signed_in: Browser) -> None:
    assert signed_in
    page = browser()
    for _ in range(2):
        for n in range(BY_NAME_AND_ADDRESS.item.amount - 1):
            assert page.sign_in("eve@村", f"guess {n}").status_code == 401
        assert page.sign_in("eve@村", PASSWORD).status_code == 201


def age(installation: Installation, what: str, minutes: int) -> None:
    """Let sessions be older than they are."""
    change = sql.SQL("UPDATE sessions SET {0} = {0} - make_interval(mins => %s)").format(sql.Identifier(what))
    with installation.database.connect(Role.owner) as connection:
        connection.execute(change, (minutes,))


def test_the_secret_changes_and_the_one_before_betrays_a_thief(
    browser: Callable[[], Browser], signed_in: Browser, installation: Installation
) -> None:
    first, thief = signed_in.secret, browser()
    thief.client.cookies.set("taizhang", first)
    age(installation, "rotated_at", minutes=16)
    assert signed_in.get("/session").status_code == 200
    assert signed_in.secret != first
    assert thief.get("/session").status_code == 200, "what was on its way still arrives"
    assert thief.secret == first
    assert signed_in.get("/session").status_code == 200, "the new one has arrived"
    age(installation, "rotated_at", minutes=2)
    assert thief.get("/session").status_code == 401
    assert signed_in.get("/session").status_code == 401, "one of the two is a thief, and nobody can tell which"


def test_a_new_secret_that_never_arrived_ends_nothing(signed_in: Browser, installation: Installation) -> None:
    first = signed_in.secret
    age(installation, "rotated_at", minutes=16)
    assert signed_in.get("/session").status_code == 200
    signed_in.client.cookies.set("taizhang", first, domain="testserver.local", path="/")
    age(installation, "rotated_at", minutes=2)
    answer = signed_in.get("/session")
    assert answer.status_code == 200
    assert "set-cookie" in answer.headers, "another one is sent"


def test_of_many_requests_at_once_one_changes_the_secret(signed_in: Browser, installation: Installation) -> None:
    secret = signed_in.secret
    age(installation, "rotated_at", minutes=16)
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(installation.sessions.find, [secret] * 8)]
    [fresh] = [each.secret for each in found if each and each.secret]
    assert None not in found, "nobody is turned away"
    assert fresh
    assert installation.sessions.find(fresh)


def test_who_is_refused_is_given_the_new_secret_all_the_same(signed_in: Browser, installation: Installation) -> None:
    first = signed_in.secret
    age(installation, "rotated_at", minutes=16)
    assert signed_in.post("/session/end", **{"Taizhang-Proof": "x"}).status_code == 403
    assert signed_in.secret != first


@pytest.mark.parametrize(("what", "minutes"), [("seen_at", 121), ("begun_at", 12 * 60 + 1)])
def test_a_session_runs_out(signed_in: Browser, installation: Installation, what: str, minutes: int) -> None:
    age(installation, what, minutes=minutes - 2)
    assert signed_in.get("/session").status_code == 200
    age(installation, what, minutes=minutes)
    assert signed_in.get("/session").status_code == 401


def test_sessions_are_listed_and_ended_by_whose_they_are(
    browser: Callable[[], Browser], signed_in: Browser, ann: Person
) -> None:
    other = browser()
    other.sign_in("eve@村", PASSWORD)
    listed = signed_in.get("/sessions").json()["items"]
    assert len(listed) == 2
    ids = {page.get("/session").json()["id"]: page for page in (signed_in, other)}
    assert [each["id"] for each in listed] == [*ids]
    assert ann.post(f"/sessions/{listed[0]['id']}/end", {}).status_code == 404, "not by anybody else"
    assert signed_in.post(f"/sessions/{listed[1]['id']}/end").status_code == 200
    assert other.get("/session").status_code == 401
    secret = signed_in.secret
    out = signed_in.post("/session/end")
    assert "Max-Age=0" in out.headers["set-cookie"]
    page = browser()
    page.client.cookies.set("taizhang", secret)
    assert page.get("/session").status_code == 401


def test_a_changed_password_ends_every_other_session(browser: Callable[[], Browser], signed_in: Browser) -> None:
    other, before = browser(), signed_in.secret
    other.sign_in("eve@村", PASSWORD)
    wrong = signed_in.post("/session/password", {"password": "wrong", "new_password": ANOTHER})
    assert wrong.status_code == 401
    weak = signed_in.post("/session/password", {"password": PASSWORD, "new_password": "eve@村eve@村eve@村"})
    assert (weak.status_code, weak.json()["field"]) == (422, "body.new_password")
    assert signed_in.post("/session/password", {"password": PASSWORD, "new_password": ANOTHER}).status_code == 200
    assert signed_in.secret != before
    assert signed_in.get("/session").status_code == 200
    assert other.get("/session").status_code == 401
    assert browser().sign_in("eve@村", PASSWORD).status_code == 401
    assert browser().sign_in("eve@村", ANOTHER).status_code == 201


def test_opening_anew_voids_what_was_before(
    browser: Callable[[], Browser], signed_in: Browser, ann: Person, eve: UUID
) -> None:
    key = {"headers": {"Idempotency-Key": "anew"}}
    first = ann.did(f"/people/{eve}/sign-in", {"login": "eve2"}, **key)["code"]
    assert signed_in.get("/session").status_code == 401
    for login in ("eve@村", "eve2"):
        assert browser().sign_in(login, PASSWORD).status_code == 401
    again = ann.did(f"/people/{eve}/sign-in", {"login": "eve2"}, **key)["code"]
    assert again != first, "the answer was lost: the code in it is void"
    assert browser().sign_in("eve2", first, ANOTHER).status_code == 401
    assert browser().sign_in("eve2", again, ANOTHER).status_code == 201
    assert ann.did(f"/people/{eve}/sign-in", {"login": "eve2"}, **key)["code"] is None
    assert browser().sign_in("eve2", ANOTHER).status_code == 201
    topics = [each["topic"] for each in ann.saw(f"/records/{eve}/history")["items"]]
    assert topics.count("authority.SignInOpened") == 2


def test_a_code_runs_out(browser: Callable[[], Browser], code: str, installation: Installation) -> None:
    with installation.database.connect(Role.owner) as connection:
        connection.execute("UPDATE accounts SET code_expires_at = now() - interval '1 second'")
    assert browser().sign_in("eve@村", code, PASSWORD).status_code == 401


def test_whoever_may_sign_in_no_more_is_out_at_once(signed_in: Browser, ann: Person, eve: UUID) -> None:
    ann.did(f"/people/{eve}/sign-in/closure", {"reason": "调离"})
    assert signed_in.get("/session").status_code == 401
    assert ann.saw(f"/people/{eve}")["signs_in"] is False
    assert ann.post(f"/people/{eve}/sign-in/closure", {}).status_code == 422


def test_a_name_is_one_persons_and_no_programs(ann: Person, code: str, installation: Installation) -> None:
    assert code
    fay = installation.entrust("Fay", "filer")
    taken = ann.post(f"/people/{fay}/sign-in", {"login": "EVE@村"})
    assert (taken.status_code, taken.json()["field"]) == (422, "login")
    for login in ("", "a b", "a" * 101, "a\u2028b"):
        answer = ann.post(f"/people/{fay}/sign-in", {"login": login})
        assert (answer.status_code, answer.json()["field"]) == (422, "login"), login
    assert ann.saw(f"/people/{fay}")["signs_in"] is False
    program = ann.did("/people", {"name": "省平台", "kind": "service"})["events"][0]["id"]
    assert "token" in ann.post(f"/people/{program}/sign-in", {"login": "program"}).json()["detail"]
    assert ann.post(f"/people/{UUID(int=9)}/sign-in", {"login": "nobody"}).status_code == 404


def test_a_token_goes_before_a_session(signed_in: Browser, ann: Person) -> None:
    bearer = {"Authorization": f"Bearer {ann.token}"}
    assert signed_in.client.get("/api/me", headers=bearer).json()["name"] == "Ann"
    wrong = {"Authorization": "Bearer tz_wrong"}
    assert signed_in.client.get("/api/me", headers=wrong).status_code == 401
    assert signed_in.client.get("/api/session", headers=bearer).status_code == 404


def test_nothing_that_lets_somebody_in_is_kept_as_it_is(
    signed_in: Browser, code: str, installation: Installation
) -> None:
    assert signed_in.sign_in("typed-into-the-wrong-field-" + PASSWORD, "x").status_code == 401
    with installation.database.connect(Role.owner) as connection:
        tables = ("accounts", "identities", "sessions", "attempts", "events")
        rows = sql.SQL("SELECT t::text FROM {} AS t")
        kept = str([connection.execute(rows.format(sql.Identifier(each))).fetchall() for each in tables])
    for secret in (PASSWORD, code, signed_in.secret):
        assert secret not in kept
    assert "$argon2id$" in kept


def test_the_hash_is_what_rfc_9106_recommends() -> None:
    hash = Passwords().hash(PASSWORD)
    assert hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert Passwords().verify(PASSWORD, hash)
    assert not Passwords().verify(PASSWORD, None)
    assert len({generate() for _ in range(100)}) == 100
