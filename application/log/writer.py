"""Group commit: submissions that arrive together are appended together, in one transaction, under one signature."""

import threading
from collections import deque
from collections.abc import Sequence
from time import monotonic, sleep
from uuid import UUID

import psycopg
from psycopg.errors import ReadOnlySqlTransaction

from application.database import PAUSE, Database, Unavailable
from application.keys import Unusable
from application.log.append import Appender
from application.log.submission import Outcome, Submission

# A group's events at most; one larger submission still goes alone.
GROUP = 4000


class Writer:
    """One thread and one connection that append whatever has been submitted meanwhile.

    A server that is away is waited for, each submission for the database's patience. What was sent
    before is sent again: command ids tell what was committed before its acknowledgement was lost,
    so nothing is recorded twice, and what stands as it was sent is acknowledged as if it were new.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Submission] = deque()
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False
        self._appender = Appender(database, self._tell)
        self._trouble: Exception | None = None
        self._settled: list[Submission] = []
        self._thread = threading.Thread(target=self._run, name="taizhang writer", daemon=True)
        self._thread.start()

    def submit(self, submission: Submission) -> Outcome:
        """Wait until the submission is in the log, or refused.

        Raise Unavailable, Unusable where there is no key to sign with, or what the database raised.
        """
        submission.done.acquire()
        submission.since = monotonic()
        with self._arrived:
            if self._closed:
                raise Unavailable("the log is closed")
            self._waiting.append(submission)
            self._arrived.notify()
        submission.done.acquire()
        outcome = submission.outcome
        assert outcome is not None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Append what was submitted before, unless the server is away, then stop."""
        with self._arrived:
            self._closed = True
            self._arrived.notify()
        self._thread.join()
        self._appender.disconnect()

    def _run(self) -> None:
        outcomes: Sequence[Outcome | Exception]
        while group := self._next_group():
            try:
                outcomes = self._appender.send(group)
            except Unusable as error:
                outcomes = [error for _ in group]
            except Exception as error:  # noqa: BLE001  # whatever it is, it must not end this thread
                self._trouble = error
                self._send_alone(group)
                continue
            for each, outcome in zip(group, outcomes, strict=True):
                self._settle(each, outcome)

    def _next_group(self) -> list[Submission]:
        """Take, in order, submissions none of which reads or writes what an earlier one of the group writes.

        So each is judged against streams as stored; one that was left waits for the next group.
        """
        with self._arrived:
            while not self._waiting:
                self._tell()
                if self._closed:
                    return []
                self._arrived.wait()
            group: list[Submission] = []
            left: deque[Submission] = deque()
            written: set[UUID | str] = set()
            commands: set[UUID] = set()
            size = 0
            while self._waiting and size < GROUP:
                each = self._waiting.popleft()
                if group and (
                    size + each.size > GROUP or not written.isdisjoint(each.read) or not commands.isdisjoint(each.ids)
                ):
                    left.append(each)
                    # What a submission left behind writes must not be overtaken either.
                    written |= each.written
                    commands |= each.ids
                    continue
                group.append(each)
                written |= each.written
                commands |= each.ids
                size += each.size
            left.extend(self._waiting)
            self._waiting = left
            return group

    def _send_alone(self, group: list[Submission]) -> None:
        """Send each submission of a failed group again: one may have spoilt the transaction, or the connection.

        Those that the server was away for wait again, while they have patience.
        """
        self._tell()
        left: list[Submission] = []
        for each in group:
            # Where there was no connection to be had for the one before, there is none for this one.
            outcome = self._outcome(each) if self._appender.connected else None
            if outcome is None and (self._closed or monotonic() > each.since + self._database.patience):
                outcome = Unavailable(f"the log cannot be written now: {self._trouble}")
            if outcome is None:
                left.append(each)
            else:
                self._settle(each, outcome)
        self._tell()
        if left:
            sleep(PAUSE)
            with self._arrived:
                self._waiting.extendleft(reversed(left))

    def _outcome(self, each: Submission) -> Outcome | Exception | None:
        """Send one submission; None if the server is away, or may not write."""
        try:
            [outcome] = self._appender.send([each])
        except ReadOnlySqlTransaction as error:
            # The next connection may reach another server that may.
            self._trouble = error
            self._appender.disconnect()
            return None
        except psycopg.OperationalError as error:
            self._trouble = error
            return None if self._appender.broken else Unavailable(f"the log cannot be written now: {error}")
        except Exception as error:  # noqa: BLE001  # it is the submitter's
            return error
        return outcome

    def _settle(self, each: Submission, outcome: Outcome | Exception) -> None:
        each.outcome = outcome
        self._settled.append(each)

    def _tell(self) -> None:
        """Let those go on whose outcome is known.

        Not before the next group is signed, where one waits: signing lets other threads run, and it would be sent only
        once all of these had run, to a server that had nothing to do meanwhile.
        """
        for each in self._settled:
            each.done.release()
        self._settled.clear()
