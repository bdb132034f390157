"""Verification on a schedule: what is new soon, everything now and then, by a process that gives way to every other."""

import json
import logging
import os
import subprocess
import sys
import threading
from datetime import datetime
from typing import Any

from application.identity import uuid7
from application.keys import LOG, WRITER
from domain.event import Account
from domain.installation import LogVerified
from interface.app import Installation
from interface.cli.clockwork import CLOCK, MINUTE
from interface.cli.common import note
from interface.settings import Settings

# In a session of its own: Ctrl-C is for the service, which stops it in turn.
COMMAND = (sys.executable, "-m", "interface", "verify", "--json", "--processes", "1")
# What is new is verified as the log alone is; views are folded anew with everything else.
NEW = ("--resume", "--no-views")
# How much this gives way: as much as can be (POSIX nice).
NICE = 19
TAMPERED = 1

_log = logging.getLogger(__name__)


class Verifying(threading.Thread):
    def __init__(self, installation: Installation, settings: Settings) -> None:
        super().__init__(name="taizhang verifying")
        self._at = installation
        self._keys = settings.keys
        self._every = settings.verify_every
        self._fully_every = settings.verify_fully_every
        self._stopped = threading.Event()
        self._running: subprocess.Popen[bytes] | None = None
        # A result that says nothing new is not on record.
        self._last: datetime | None = None
        self._last_full: datetime | None = None

    def run(self) -> None:
        if not all((self._keys / f"{role}.key").exists() for role in (LOG, WRITER)):
            note("the log is not verified from here, where its keys are not: have taizhang verify --key run elsewhere")
            return
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                pause = self._look()
            except Exception as error:  # noqa: BLE001  # whatever stands in the way now, it is tried again
                _log.warning("the log could not be verified, and will be in a minute: %s", error)
                pause = MINUTE

    def stop(self) -> None:
        """Return once nothing is verified any more."""
        self._stopped.set()
        if self._running is not None:
            self._running.terminate()
        self.join()

    def _look(self) -> float:
        """Verify if it is due; return how many seconds to wait until it may be."""
        record, now = self._at.installations.record(), self._at.clock.now()
        last = self._last or record.verified_at or now
        last_full = self._last_full or record.full_at or now
        self._last, self._last_full = last, last_full
        overdue = now >= last_full + self._fully_every
        if overdue or now >= last + self._every:
            # The first is a full one, and only a full one lifts what was found.
            full = overdue or record.full_at is None or bool(record.tampered)
            if self._verify(full=full, now=now):
                last, last_full = now, now if full else last_full
                self._last, self._last_full = last, last_full
        due = min(last + self._every, last_full + self._fully_every)
        return max(0.0, (due - self._at.clock.now()).total_seconds())

    def _verify(self, *, full: bool, now: datetime) -> bool:
        """Verify, and put on record what came of it; return whether it was not stopped."""
        told = self._told(() if full else NEW)
        if told is None:
            return False
        result = LogVerified(
            verdict=told["verdict"],
            head=told["events"],
            size=told["sealed"],
            root=told["root"],
            full=full,
            views=tuple(told["views"]),
            kind=told["kind"] or "",
            position=told["position"],
            sentence=told["sentence"] or "",
        )
        if result.verdict == "TAMPERED":
            note(
                f"TAMPERED ({result.kind}): {result.sentence}. Keep the database as it is, and find out who changed it"
            )
        [clock] = self._at.access.introduce([CLOCK])
        account = Account(actor=clock, occurred_on=self._at.clock.today(), occurred_at=now, command_id=uuid7())
        self._at.installations.conclude(account, result)
        return True

    def _told(self, words: tuple[str, ...]) -> Any:
        """Verify in a process of its own; return what it tells, None if it was stopped."""
        with subprocess.Popen(
            [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        ) as running:
            self._running = running
            os.setpriority(os.PRIO_PROCESS, running.pid, NICE)
            if self._stopped.is_set():
                running.terminate()
            told, said = running.communicate()
        if self._stopped.is_set():
            return None
        if running.returncode not in (0, TAMPERED) or not told:
            raise ValueError(said.decode(errors="replace").strip() or f"its process ended with {running.returncode}")
        return json.loads(told)
