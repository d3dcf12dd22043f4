"""Rooms that are made with their settings: LiveKit's own natively, the sound's in the room's metadata.

The metadata of a room is a JSON object that others write to as well: accounts are named there (`accounts.who`). What
is written here stands under one key:

    {"account": "harbour", "firstword": {"version": 1, "made": "3f9c...", "audio": {"target_latency_ms": 50, ...}}}

`audio` has the fields of `rooms.performance.sections.AudioConfig`; `made` is of the request that made the room.
"""

from __future__ import annotations

import json
import math
from secrets import token_hex
from typing import TYPE_CHECKING, cast

from livekit import api
from pydantic import ValidationError

from rooms.lifetime import CLOSE_MARGIN_S
from rooms.limits.admission import RoomRequest
from rooms.performance.sections import AudioConfig
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rooms.clients.protocol import Clients
    from rooms.limits.keeper import LimitKeeper

log = get_logger("rooms")

KEY = "firstword"
VERSION = 1
MOST_CHARS_METADATA = 16_384  # no longer one is read for an account's name
MOST_CHARS_NAME = 256  # livekit-server's own default


async def create_optimized_room(
    clients: Clients,
    name: str,
    *,
    audio: AudioConfig | None = None,
    limits: LimitKeeper | None = None,
    max_participants: int | None = None,
    metadata: Mapping[str, object] | None = None,
    agents: Sequence[api.RoomAgentDispatch] = (),
    empty_timeout_s: float | None = None,
    departure_timeout_s: float | None = None,
) -> api.Room:
    """Create a room; of one that is there already only the metadata changes, and only by what is given here.

    `audio` (its defaults where None) and `metadata` go into the room's metadata. LiveKit holds `max_participants`
    itself; it counts no agents, so without it a room gets what `limits` allows, less one for each of `agents`. LiveKit
    closes the room `empty_timeout_s` after its creation if nobody but agents came, and `departure_timeout_s` after the
    last one left: whole seconds, rounded up. None leaves both to the server, the first one to `limits` if there are
    any. The playout delays are `target_latency_ms` and `jitter_buffer_ms` of `audio`: livekit-server 1.13 tells them to
    players of video only, so for sound it is the metadata that counts.

    Raises ValueError for what cannot be, rooms.limits.reached.LimitReached, and what LiveKitAPI raises.
    """
    made = token_hex(8)
    sound = audio or AudioConfig()
    content = {**_given(metadata), KEY: {"version": VERSION, "made": made, "audio": sound.model_dump()}}
    wanted = api.CreateRoomRequest(
        name=_checked_name(name),
        metadata=_text(content),
        empty_timeout=_empty_timeout_s(empty_timeout_s, limits),
        departure_timeout=_whole_s("departure_timeout_s", departure_timeout_s),
        max_participants=_most_callers(max_participants, limits, len(agents)),
        min_playout_delay=sound.target_latency_ms,
        max_playout_delay=sound.jitter_buffer_ms,
        agents=agents,
    )

    def is_ours(room: api.Room) -> bool:
        return _own_part(room.metadata).get("made") == made

    async def create(lk: api.LiveKitAPI) -> api.Room:
        room = await lk.room.create_room(wanted)
        return room if is_ours(room) else await _bring_up_to_date(lk, room, audio, metadata)

    if limits is not None:
        return await limits.open_room(RoomRequest(name, create, is_ours))
    async with clients.client() as lk:
        return await create(lk)


def sound_metadata(audio: AudioConfig) -> str:
    """The metadata of a room about which nothing but its sound is to be said."""
    return json.dumps({KEY: {"version": VERSION, "audio": audio.model_dump()}})


def audio_in(metadata: str) -> AudioConfig | None:
    """What a room's metadata says about its sound; None where it says nothing, or says it wrongly (a warning).

    Metadata that is somebody else's, of whatever form, says nothing.
    """
    ours = _own_part(metadata)
    if "audio" not in ours:
        return None
    if ours.get("version") != VERSION:
        log.warning("the room's audio settings are of another version", got=ours.get("version"), allowed=VERSION)
        return None
    try:
        return AudioConfig.model_validate(ours["audio"], strict=True)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(["audio", *map(str, wrong["loc"])])
        log.warning("the room's audio settings are wrong", field=field, reason=wrong["msg"])
        return None


def read_audio_config(metadata: str, default: AudioConfig | None = None) -> AudioConfig:
    """What `audio_in` finds; where that is None `default`, or the defaults."""
    return audio_in(metadata) or default or AudioConfig()


async def _bring_up_to_date(
    lk: api.LiveKitAPI, room: api.Room, audio: AudioConfig | None, metadata: Mapping[str, object] | None
) -> api.Room:
    """livekit-server ignores all of a CreateRoom for a room that is there: its metadata has a request of its own."""
    there = _object(room.metadata)
    if there is None and room.metadata:
        log.warning("the room's metadata is somebody else's and stays as it is", room=room.name)
        return room
    content = {**(there or {}), **_given(metadata)}
    if audio is not None:
        content[KEY] = {**_own_part(room.metadata), "version": VERSION, "audio": audio.model_dump()}
    if content == (there or {}):
        return room
    return await lk.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=room.name, metadata=_text(content)))


def _object(text: str) -> dict[str, object] | None:
    """A JSON object, or None for any other text."""
    try:
        content: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", content) if isinstance(content, dict) else None


def _own_part(metadata: str) -> dict[str, object]:
    part = (_object(metadata) or {}).get(KEY)
    return cast("dict[str, object]", part) if isinstance(part, dict) else {}


# ---- what cannot be -----------------------------------------------------------------------------------------


def _checked_name(name: str) -> str:
    if not 1 <= len(name.encode()) <= MOST_CHARS_NAME:
        raise ValueError(f"name: got {len(name.encode())} bytes, must be 1 to {MOST_CHARS_NAME}")
    return name


def _given(metadata: Mapping[str, object] | None) -> dict[str, object]:
    if metadata is not None and KEY in metadata:
        raise ValueError(f"metadata: got '{KEY}', must be another name, since this one is the room's own")
    return dict(metadata or {})


def _text(content: Mapping[str, object]) -> str:
    try:
        text = json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metadata: must be what JSON can say ({error})") from None
    if len(text) > MOST_CHARS_METADATA:
        raise ValueError(f"metadata: got {len(text)} characters, must be at most {MOST_CHARS_METADATA}")
    return text


def _whole_s(field: str, value: float | None) -> int:
    """0 leaves it to the server."""
    if value is None:
        return 0
    if not 0 < value < 2**31:
        raise ValueError(f"{field}: got {value:g}, must be above 0 (seconds)")
    return math.ceil(value)


def _empty_timeout_s(value: float | None, limits: LimitKeeper | None) -> int:
    if value is None and limits is not None:
        # After the limits' own cleaning: LiveKit closes a room under its agent's track, and that leaks in the worker.
        ours = limits.limits
        value = ours.inactive_after_s + ours.reconcile_interval_s + CLOSE_MARGIN_S
    return _whole_s("empty_timeout_s", value)


def _most_callers(value: int | None, limits: LimitKeeper | None, agents: int) -> int:
    """0 leaves it to the server."""
    allowed = limits.limits.max_participants_per_room if limits is not None else None
    if value is not None and not 1 <= value <= (allowed or 2**31):
        most = f" to {allowed} (max_participants_per_room)" if allowed else " or more"
        raise ValueError(f"max_participants: got {value}, must be 1{most}")
    callers = value if allowed is None else min(value or allowed, max(1, allowed - agents))
    return callers or 0
