"""One thread that writes all conversations of this process, so that no call waits for a disk."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from examples.save_conversation.backlog import Backlog
from examples.save_conversation.conversation_file import ConversationFile
from examples.save_conversation.entries import Began, Said
from examples.save_conversation.file_names import name_of
from examples.save_conversation.mending import mend_all
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.save_conversation.entries import Entry

    Redact = Callable[[str, bool], str]
    OnSettled = Callable[[str, Said], None]

log = get_logger("conversations")

PAUSE_S = 0.1
"""Between two looks: what is said meanwhile is one write."""
SYNC_S = 1.0
"""Between two fsyncs of a file: a power cut takes no more. A kill -9 takes only what is not written."""
LONGEST_PAUSE_S = 5.0
SLOW_S = 1.0
CLOSE_LIMIT_S = 3.0


def as_said(text: str, settled: bool) -> str:
    """No redaction."""
    return text


@dataclass(eq=False)
class _Open:
    """A conversation in the writer's hands; all `_s` are `time.monotonic()`."""

    backlog: Backlog
    redact: Redact
    file: ConversationFile | None = None
    dirty_since_s: float | None = None
    not_before_s: float = 0.0
    pause_s: float = PAUSE_S
    failed: bool = False
    taken: int = 0
    """Names that were: a call that came to a worker twice."""


class Writer:
    """`open` a conversation, `put` into what it gives. The thread lives while a conversation is open.

    `on_settled` is told, from the thread, each line that will not change once it is in the file, with its call: of
    conversations that a killed process has left, too.
    """

    def __init__(self, folder: Path, *, on_settled: OnSettled | None = None, pause_s: float = PAUSE_S) -> None:
        self._folder = folder
        self._on_settled = on_settled
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._hurry = threading.Event()
        self._open: list[_Open] = []
        self._thread: threading.Thread | None = None
        self._mended = False
        self._told_slow = False

    def open(self, began: Began, redact: Redact = as_said) -> Backlog:
        """`redact` is given a text and whether it is complete, and sees all that is written, file names too."""
        conversation = _Open(Backlog(began, self._woken.set), redact)
        with self._lock:
            self._open.append(conversation)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="conversations", daemon=True)
                self._thread.start()
        self._woken.set()
        return conversation.backlog

    def hurry(self) -> None:
        """Write now: somebody waits for it."""
        self._hurry.set()
        self._woken.set()

    def close(self, limit_s: float = CLOSE_LIMIT_S) -> None:
        """Blocks until what has ended is written, within a limit."""
        thread = self._thread
        self.hurry()
        if thread is not None:
            thread.join(limit_s)

    # ---- the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        if not self._mended:
            self._mended = True
            self._mend()
        while True:
            with self._lock:
                if not self._open:
                    self._thread = None
                    return
            self._woken.wait(self._next_s())
            self._hurry.wait(self._pause_s)
            self._hurry.clear()
            self._woken.clear()
            begun_s = time.monotonic()
            self._write_all()
            for conversation in list(self._open):
                if self._is_due(conversation):
                    self._sync(conversation)
                    self._write_all()  # what was said meanwhile does not wait for the other files' disk
            self._tell_slow(time.monotonic() - begun_s)

    def _next_s(self) -> float | None:
        """Until something is due without news; None: never."""
        now_s = time.monotonic()
        due = [each.dirty_since_s + SYNC_S for each in self._open if each.dirty_since_s is not None]
        due += [each.not_before_s for each in self._open if each.failed]
        return max(0.0, min(due) - now_s) if due else None

    def _is_due(self, conversation: _Open) -> bool:
        since_s = conversation.dirty_since_s
        return since_s is not None and time.monotonic() - since_s >= SYNC_S

    def _write_all(self) -> None:
        for conversation in list(self._open):
            if time.monotonic() >= conversation.not_before_s:
                try:
                    self._write(conversation)
                except OSError as error:
                    self._failed(conversation, error)
                except Exception as error:
                    # A bug, or a redaction that raises: this conversation is given up, the others go on.
                    log.exception("a conversation is not saved", call=conversation.backlog.began.call)
                    self._drop(conversation, error)

    def _write(self, conversation: _Open) -> None:
        backlog = conversation.backlog
        is_ending = backlog.is_ending
        entries = backlog.waiting()
        if entries:
            shown = [_redacted(entry, conversation.redact) for entry in entries]
            shown = [entry for entry in shown if not isinstance(entry, Said) or entry.text]
            if conversation.file is None:
                conversation.file = self._new_file(conversation, shown)
            conversation.file.append(shown)
            backlog.written(entries)
            conversation.dirty_since_s = conversation.dirty_since_s or time.monotonic()
            for entry in shown:
                if self._on_settled is not None and isinstance(entry, Said) and entry.settled:
                    self._on_settled(backlog.began.call, entry)
        if is_ending and conversation.file is not None:
            conversation.file.finish()
            self._drop(conversation)
        if conversation.failed:
            conversation.failed, conversation.pause_s = False, PAUSE_S
            log.info("a conversation is saved again", call=backlog.began.call)

    def _new_file(self, conversation: _Open, entries: list[Entry]) -> ConversationFile:
        began = next(entry for entry in entries if isinstance(entry, Began))
        name = name_of(began)
        if conversation.taken:
            name = f"{name}-{conversation.taken + 1}"
        try:
            return ConversationFile(self._folder, name)
        except FileExistsError:
            conversation.taken += 1
            raise

    def _sync(self, conversation: _Open) -> None:
        conversation.dirty_since_s = None
        if conversation.file is not None:
            try:
                conversation.file.sync()
            except OSError as error:
                log.warning("a conversation is written, but not synced", reason=_reason(error))

    def _failed(self, conversation: _Open, error: OSError) -> None:
        """The lines stay in memory, and are tried again: later each time."""
        if not conversation.failed:
            call, waiting = conversation.backlog.began.call, len(conversation.backlog.waiting())
            log.warning("a conversation is not saved", reason=_reason(error), call=call, lines_waiting=waiting)
        conversation.failed = True
        conversation.pause_s = min(conversation.pause_s * 2, LONGEST_PAUSE_S)
        conversation.not_before_s = time.monotonic() + conversation.pause_s

    def _drop(self, conversation: _Open, error: Exception | None = None) -> None:
        with self._lock:
            self._open.remove(conversation)
        if conversation.file is not None:
            conversation.file.close()
        if error is None:
            conversation.backlog.saved.set_result(None)
        else:
            conversation.backlog.saved.set_exception(error)

    def _mend(self) -> None:
        try:
            mended = mend_all(self._folder, self._on_settled)
        except Exception:
            log.exception("conversations of a killed process are not mended")  # the calls of today are saved
        else:
            if mended:
                log.info("conversations of a killed process are mended", conversations=mended)

    def _tell_slow(self, took_s: float) -> None:
        is_slow = took_s > SLOW_S
        if is_slow and not self._told_slow:
            log.warning("the conversations' disk is slow", took_s=round(took_s, 1), conversations=len(self._open))
        self._told_slow = is_slow


def _redacted(entry: Entry, redact: Redact) -> Entry:
    if isinstance(entry, Said):
        return replace(entry, text=redact(entry.text, entry.settled))
    if isinstance(entry, Began):
        return replace(entry, room=redact(entry.room, True), account=redact(entry.account, True))
    return entry


def _reason(error: OSError) -> str:
    return error.strerror or os.strerror(error.errno or 0)
