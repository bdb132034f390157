"""A time-stamping authority (RFC 3161) made with OpenSSL: what signs, and where it is asked over HTTP."""

import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.answering import Reply, answering

TYPE: Final = {"Content-Type": "application/timestamp-reply"}
GRANTED: Final = bytes.fromhex("3003020100")

CONFIG: Final = """
[ca]
default_ca = issuing
[issuing]
database = {folder}/{issuer}.index
serial = {folder}/{issuer}.serial
new_certs_dir = {folder}
default_md = sha256
policy = named
unique_subject = no
[named]
commonName = supplied
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[stamping]
basicConstraints = CA:FALSE
extendedKeyUsage = critical,timeStamping
[plain]
basicConstraints = CA:FALSE
[soft]
basicConstraints = CA:FALSE
extendedKeyUsage = timeStamping
[req]
distinguished_name = nobody
[nobody]
[tsa]
default_tsa = authority
[authority]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha1,sha256
"""


@dataclass(frozen=True)
class Papers:
    """Keys and certificates in a folder, each by its name: who signs, and what it leads to."""

    folder: Path

    def pem(self, name: str) -> bytes:
        return self.path(name).read_bytes()

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def root(self, name: str) -> None:
        (self.folder / f"{name}.cnf").write_text(CONFIG.format(folder=self.folder, issuer=name))
        (self.folder / f"{name}.index").touch()
        (self.folder / f"{name}.serial").write_text("10")
        self._issue(name, name, "root", ("2015", "2049"), "-selfsign")

    def signer(self, name: str, issuer: str, kind: str, valid: tuple[str, str] = ("2016", "2049")) -> None:
        """Let a root issue a certificate, good from the start of one year to that of another."""
        self._issue(name, issuer, kind, valid, "-cert", f"{issuer}.pem")

    def _issue(self, name: str, issuer: str, kind: str, valid: tuple[str, str], *words: str) -> None:
        config = f"{issuer}.cnf"
        self.openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")
        self.openssl("req", "-config", config, "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-out", "request")
        start, end = (f"{year}0101000000Z" for year in valid)
        self.openssl(
            *("ca", "-config", config, "-batch", "-notext", "-keyfile", f"{issuer}.key", *words, "-extensions", kind),
            *("-startdate", start, "-enddate", end, "-in", "request", "-out", f"{name}.pem"),
        )

    def reply(self, query: bytes, signer: str = "good") -> bytes:
        """Answer a query as an authority does; what it finds no query, or cannot grant, it refuses."""
        (self.folder / "query").write_bytes(query)
        self.openssl(
            *("ts", "-reply", "-config", "root.cnf", "-queryfile", "query", "-out", "reply"),
            *("-signer", f"{signer}.pem", "-inkey", f"{signer}.key"),
        )
        return (self.folder / "reply").read_bytes()

    def signed(self, reply: bytes, signer: str, at: str = "") -> bytes:
        """Return what a reply says, signed by another, or for another time (``20200601000000Z``)."""
        (self.folder / "reply").write_bytes(reply)
        self.openssl("ts", "-reply", "-config", "root.cnf", "-in", "reply", "-token_out", "-out", "token")
        self.openssl("cms", "-verify", "-inform", "DER", "-in", "token", "-noverify", "-out", "info")
        if at:
            info = (self.folder / "info").read_bytes()
            (self.folder / "info").write_bytes(re.sub(rb"\x18\x0f\d{14}Z", b"\x18\x0f" + at.encode(), info))
        self.openssl(
            *("cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-outform", "DER"),
            *("-econtent_type", "id-smime-ct-TSTInfo", "-in", "info", "-out", "token"),
            *("-signer", f"{signer}.pem", "-inkey", f"{signer}.key"),
        )
        body = GRANTED + (self.folder / "token").read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2) + body

    def query(self, message: bytes, *words: str) -> bytes:
        """Return a query for a message: what ``openssl ts -query`` makes of it, with these words besides."""
        (self.folder / "message").write_bytes(message)
        self.openssl("ts", "-query", "-data", "message", *(words or ("-sha256",)), "-cert", "-out", "query")
        return (self.folder / "query").read_bytes()

    def openssl(self, *words: str) -> None:
        ran = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, check=False)
        assert ran.returncode == 0, ran.stderr.decode()


def made(folder: Path) -> Papers:
    """Make a root with those that it lets sign, and another root."""
    papers = Papers(folder)
    (folder / "serial").write_text("01")
    papers.root("root")
    papers.root("stranger")
    papers.signer("good", "root", "stamping")
    papers.signer("old", "root", "stamping", ("2020", "2021"))
    papers.signer("plain", "root", "plain")
    papers.signer("soft", "root", "soft")
    papers.signer("foreign", "stranger", "stamping")
    return papers


@contextmanager
def stamping(papers: Papers) -> Generator[str]:
    """An authority that does as it should, at the address that this yields."""

    def answer(_: str, query: bytes) -> Reply:
        return 200, TYPE, papers.reply(query)

    with answering(answer) as url:
        yield f"{url}/tsa"
