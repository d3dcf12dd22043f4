"""What a caller may want from the scripted front desk, and how it is recognized: whole words first, then likeness."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rapidfuzz import fuzz

LIKENESS_PERCENT = 78
"""Below it, two short sentences of different meaning begin to look alike."""


@dataclass(frozen=True)
class Intent:
    """`keywords` are regular expressions on lower-case text; `examples` are compared as a whole."""

    name: str
    keywords: tuple[str, ...]
    examples: tuple[str, ...]
    replies: tuple[str, ...]
    tool_words: tuple[str, ...] = ()


# The order matters: the first intent with a keyword in the sentence wins ("what time do you open" is about hours).
INTENTS: tuple[Intent, ...] = (
    Intent(
        "repeat",
        (r"\b(repeat|say (that|it) again|once more|pardon)\b",),
        ("could you repeat that", "what did you say", "say that again please"),
        ("I have not said anything yet. How can I help?", "There is nothing to repeat yet. What can I do for you?"),
    ),
    Intent(
        "goodbye",
        (r"\b(good ?bye|bye|see you|have a (nice|good) (day|evening))\b",),
        ("goodbye", "bye bye", "that is all, goodbye"),
        ("Goodbye, and thank you for calling.", "Thank you for your call. Goodbye.", "Have a lovely day. Goodbye."),
    ),
    Intent(
        "cancel",
        (r"\b(cancel|never ?mind|forget it)\b",),
        ("please cancel my booking", "cancel the table"),
        (
            "All right, nothing is booked. Anything else?",
            "That is cancelled. What else can I do?",
            "No problem, I have dropped it. Can I help with something else?",
        ),
    ),
    Intent(
        "spell",
        (r"\bspell\b", r"\bmy name is\b"),
        ("can you spell my name", "my name is sarah"),
        (
            "Thank you, {name}. I spell it {letters}.",
            "{name}, that is {letters}. Is that right?",
            "Let me spell {name}: {letters}.",
        ),
    ),
    Intent(
        "identity",
        (
            r"\bwho (are|is) (you|this|that|speaking)\b",
            r"\b(are you|you are) (a |an )?(robot|human|person|real|ai|bot)\b",
            r"\bwhat are you\b",
            r"\byour name\b",
            r"\bspeak (to|with) (a |an )?(human|person|someone|somebody)\b",
        ),
        ("who are you", "what is your name", "am I speaking to a real person"),
        ("{scripted} But I can tell you the time.", "{scripted} Ask me about our opening hours.", "{scripted}"),
    ),
    Intent(
        "hours",
        (r"\b(opening|business|working) (hours|times?)\b", r"\b(open|opens|close|closes|closing|hours)\b"),
        ("what are your opening hours", "when do you open", "how late are you open", "are you open on sunday"),
        (
            "We are open from nine to six, Monday to Saturday.",
            "Our doors open at nine and close at six. We are closed on Sunday.",
            "You can visit us from nine in the morning to six in the evening, except on Sunday.",
        ),
        ("hour", "open"),
    ),
    Intent(
        "booking",
        (r"\b(book|booking|reserve|reservation)\b", r"\b(table|dinner|lunch)\b"),
        ("can I book a table", "I would like to reserve a table for two"),
        (
            "I can offer you {table}. {confirm}",
            "Gladly: {table}. {confirm}",
            "I have noted {table}. {confirm}",
        ),
        ("book", "reserv"),
    ),
    Intent(
        "time",
        (r"\bwhat('s| is)? (the )?time\b", r"\btime is it\b", r"\b(the time|o'clock|clock)\b"),
        ("what time is it", "do you have the time", "can you tell me the time"),
        ("It is {time}.", "My clock says {time}.", "Right now it is {time}."),
        ("time", "clock"),
    ),
    Intent(
        "no",
        (r"^(no|nope|not now|no thanks)\b",),
        ("no thank you", "not today"),
        ("All right. Is there anything else?", "Fine, I leave it. What else can I do?"),
    ),
    Intent(
        "wait",
        (r"\b(wait|stop|hold on|one (moment|second))\b",),
        ("wait a moment", "hold on please"),
        ("Of course, take your time.", "I am waiting.", "Sure, tell me when you are ready."),
    ),
    Intent(
        "number",
        (r"\b(my|phone) number\b",),
        ("my number is five five five",),
        ("Thank you, I have heard the number. Anything else?", "Got it, thank you. What else can I do?"),
    ),
    Intent(
        "listening",
        (r"^(m+ ?h+m+|uh ?huh|yes|yeah|okay|ok|right|i see)( please)?$",),
        (),
        ("I am listening.", "Yes, please go on.", "Go ahead, I am here."),
    ),
    Intent(
        "thanks",
        (r"\b(thanks|thank you|cheers|great|perfect|wonderful)\b",),
        ("thank you very much", "thanks a lot"),
        ("You are welcome. Anything else?", "My pleasure. What else can I do?", "Gladly. Can I help with more?"),
    ),
    Intent(
        "greeting",
        (r"\b(hello|hi|hey|good (morning|afternoon|evening))\b",),
        ("hello", "good morning", "hello is anybody there"),
        (
            "Hello, this is the front desk. How can I help you?",
            "Good to hear you. What can I do for you?",
            "Hello and welcome. What would you like to know?",
        ),
    ),
    Intent(
        "help",
        (r"\bhelp\b", r"\bwhat can (you|i)\b"),
        ("can you help me", "what can you do"),
        (
            "I can tell you the opening hours or the time, and note a table for you.",
            "Ask me about opening hours, the time, or a table. I can also spell a name.",
        ),
    ),
)

CONFIRMED = Intent(
    "confirmed",
    (r"\b(yes|yeah|yep|sure|please|okay|ok|correct|confirm|go ahead)\b",),
    (),
    (
        "Done. This is only a demonstration, so no real table is waiting.",
        "That is noted. As this is a demonstration, nothing was really booked.",
    ),
    ("confirm",),
)
DECLINED = Intent(
    "declined",
    (r"\b(no|nope|not)\b",),
    (),
    ("All right, I leave it open. Anything else?", "Then I do not book it. What else can I do?"),
)


def recognize(heard: str, *, offered: bool = False) -> Intent | None:
    """The intent of one sentence, None if there is none. `offered`: the desk has just asked for a yes or a no."""
    text = re.sub(r"[^\w' ]+", " ", heard.lower().replace("\u2019", "'")).strip()
    if not text:
        return None
    for intent in (DECLINED, CONFIRMED) if offered else ():
        if _has_keyword(intent, text):
            return intent
    for intent in INTENTS:
        if _has_keyword(intent, text):
            return intent
    likeness, best = max(
        ((fuzz.token_sort_ratio(text, example), intent) for intent in INTENTS for example in intent.examples),
        key=lambda scored: scored[0],
    )
    return best if likeness >= LIKENESS_PERCENT else None


def is_agreement(heard: str) -> bool:
    """A yes, without a no."""
    text = heard.lower()
    return _has_keyword(CONFIRMED, text) and not _has_keyword(DECLINED, text)


def _has_keyword(intent: Intent, text: str) -> bool:
    return any(re.search(keyword, text) for keyword in intent.keywords)
