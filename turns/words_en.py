"""English: how sentences go on, and how they end."""

from __future__ import annotations

from turns.words import Tables, endings, words

_PREPOSITIONS = """
    of, to, from, with, without, for, at, into, onto, about, between, during, regarding, concerning, towards,
    toward, via, per, by, near, beside, behind, except, despite, including, like, until, till, since, than, upon,
    among, within, against, in, on, as, past, at around, at about
"""
_CONJUNCTIONS = """
    and, or, but, nor, because, cause, cos, if, when, while, although, unless, whether, so, plus, either, whose,
    which, and then, and also, but also, or maybe, and maybe, so that, think that, sure that, possible that,
    believe that, said that, the one that, the fact that, say that, for example, for instance, i mean, in case,
    let's say
"""
_DETERMINERS = """
    the, a, an, my, your, our, their, his, its, every, each, the twenty, the thirty, mr, mrs, ms, dr, dot,
    underscore
"""
_SUBJECTS = """
    i, he, she, we, they, can you, could you, would you, will you, do you, did you, have you, are you, were you,
    if you, should you, when you, because you, that you, can it, could it, does it, is it, was it, does that,
    is that, is this, if it, because it, and it, but it, so it, when it, that it, much it, since it, after it,
    before it
"""
_VERBS = """
    is, are, was, were, am, be, been, being, will, would, can, could, should, shall, may, might, must, has, have,
    had, do, does, did, it's, i'm, you're, we're, they're, he's, she's, there's, that's, what's, where's, who's,
    how's, here's, i've, we've, you've, they've, i'll, we'll, you'll, they'll, it'll, i'd, we'd, you'd, let's,
    isn't, aren't, wasn't, doesn't, hasn't, wouldn't, i don't, we don't, gonna, wanna, gotta, i need, i want,
    we need, we want, also need, also want, i'd love, would love, i'd prefer, would prefer, i've got, we've got,
    you tell me, you give me, you send me, you show me, you get me, you find me, let me, to know, like to get,
    like to make, like to ask, like to see, like to take, want to get, want to make, want to ask, want to take,
    to make, to find, to find out, want you, i was wondering, was hoping, i wonder, i wanted, i'm looking,
    i'm calling, we're looking, was looking, was calling, is there, are there, was there, depends, make sure,
    called, named, know how, know what, know where, know when, know who, know why, tell me how, tell me what,
    tell me where, tell me when, tell me who, tell me why, you have any, there any
"""
_FILLERS = """
    um, uh, uhm, umm, uhh, er, erm, hmm, hm, mm, mmm, well, you know, let me see, let me think, let me check,
    let me look, just, very, quite, rather, not, only, also, the thing is, something like, as in
"""
_CLOSING = """
    very well, as well, oh well, of course not, why not, hope not, maybe not, if not, or not, absolutely not,
    definitely not, certainly not, probably not, better not, not at all, think so, hope so, guess so, if so, say so,
    check in, checking in, checked in, log in, logging in, logged in, sign in, come in, get in, fill in, walk in,
    drop in, come on, hold on, hang on, go on, going on, carry on, later on, turn it on, so on, early on,
    from now on, in the past, it in, it on, that on, them in, them on, this on, stop by, if you like,
    whatever you like, as you like, all i need, all i want, all we need, what i need, what i want, what you have,
    what i have, that's all i have, so do i, neither do i, if you have any
"""
_UNSURE = """
    to book, to order, to cancel, to change, to reserve, to pay, to buy, to speak, to talk, to move, to confirm,
    to check, to visit, to return, to see, to ask, to say, to call, to do, to get, to take, to send, to bring,
    to use, a question, one question, another question, a problem, an issue, my name, my number, my address,
    my email, my phone number, the name, the number, the address, that, then, this, these, those, i can't, i won't,
    i didn't, we can't, there, before, after, over, through, across, under, above, around, some, any, another, more,
    one more, all, both, other, the other, the next, the last, the first, the same, the best, the most, a few, many,
    much, what, where, who, how, why, what kind, what time, how long, i think, i guess, i suppose, i believe,
    i hope, i heard, i thought, i do, i did, it does, they do, we do, i will, apartment, last, next, actually,
    basically, probably, perhaps, maybe, especially, mainly, really, tell me, told me, one more thing
"""
_DONE = """
    thank you, thanks, thank you very much, thanks a lot, thank you so much, please, bye, goodbye, bye bye, cheers,
    see you, that's all, that's it, that is all, that will be all, good night, have a nice day, have a good day,
    o'clock, a.m, p.m, if possible, if that's okay, right away, never mind
"""
_ANSWERS = """
    yes, yeah, yep, yup, no, nope, nah, sure, alright, all right, correct, exactly, absolutely, never, definitely,
    certainly, of course, fine, perfect, hello, hi, hey, good morning, good afternoon, good evening, hello there,
    hi there, stop, wait, wait stop, stop it, go ahead, yes please, no thanks, no thank you, not yet, not now,
    not really, not sure, i don't know, i don't think so, i think so, maybe later, sounds good, that's right,
    that's correct, that's fine, that works, mm-hm, mhm, uh-huh, uh huh, mm hm, pardon, why not, how much, either,
    neither, none, nothing, the first one, the second one, the last one, this one, that one, me, me too, say again,
    one moment, just a moment, just a second, one second, hold on, hang on, got it, i see, i understand, very good,
    very well, cash, card, can you hear me, are you there, hello are you there, hello can you hear me, how are you,
    who are you, who is this, what is it, what is that, what is this, what time is it, no problem, i'm good,
    i'm fine, i'm ready, let's go, let's do it, let's do that, do it, as soon as possible
"""
_HESITANT = """
    please, actually, basically, well, so, look, listen, okay so, ok so, yeah so, yes so, right so, anyway, anyways,
    now, excuse me, sorry, i think, i guess, maybe, first, first of all, hello i, hi i, the first thing,
    one more thing, a question, one question, my name, my number, my email, my address, can i, could i, may i,
    there, then, tell me, okay and
"""
_YES_NO = "yes, yeah, yep, no, nope, sure, of course, correct, right, indeed"
_ELLIPTIC = """
    i do, i am, i can, i will, i did, i was, i have, it is, it was, it does, they are, they do, we are, we do,
    we can, we did, we have, that is, there is, there are, he is, she is, you can, you are, i don't, i can't,
    i didn't, i won't, i haven't, i wasn't, it isn't, it doesn't, it wasn't, we don't, we can't, we aren't,
    they don't, they aren't, there isn't, i'm not, it's not, we're not
"""
_ASKING = """
    what, where, when, who, whom, whose, why, how, which, what's, where's, who's, how's, whatever, wherever
"""
_STRANDED = """
    to, from, with, for, about, in, on, at, of, near, like, is it, was it, are you, were you, is that, is this,
    does it, is there, are there, have, do, be, he, she, they, we, it is, that is, this is, he is, she is, they are,
    you are, we are, i am, it was, i was, i need, i want, we need, we want, called, to know, to find, to make
"""
_TAGS = """
    is it, isn't it, are you, aren't you, do you, don't you, can you, could you, does it, doesn't it, was it,
    are they, will you
"""
_VALUES = """
    monday, tuesday, wednesday, thursday, friday, saturday, sunday, today, tomorrow, tonight, yesterday, morning,
    afternoon, evening, noon, midnight, january, february, march, april, may, june, july, august, september,
    october, november, december, first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, weekend,
    week, month, hour, am, pm, people, persons, minutes, hours, days, dollars, euros, pounds, percent, half,
    quarter, once, twice, later, soon
"""
_BEFORE_VALUES = """
    at, on, in, for, by, around, about, the, next, this, just, maybe, um, uh, yes, no, of, past, half, quarter,
    after, before, until, every, an, tomorrow, today, tonight, oh, okay, early, late, make, it, it's
"""
_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

ENGLISH = Tables(
    going_on=endings(",".join([_PREPOSITIONS, _CONJUNCTIONS, _DETERMINERS, _SUBJECTS, _VERBS, _FILLERS])),
    unsure=endings(_UNSURE),
    closing=endings(_CLOSING),
    done=endings(_DONE),
    answers=endings(_ANSWERS),
    hesitant=endings(_HESITANT),
    yes_no=words(_YES_NO),
    elliptic=endings(_ELLIPTIC),
    asking=words(_ASKING),
    stranded=endings(_STRANDED),
    tags=endings(_TAGS),
    values=words(_VALUES),
    before_values=words(_BEFORE_VALUES),
    numbers={
        **{word: str(value) for value, word in enumerate(_UNITS)},
        **{word: str(value) for value, word in enumerate(_TEENS, 10)},
        **{word: f"{value}0" for value, word in enumerate(_TENS, 2)},
        "oh": "0",
        "nought": "0",
    },
    repeats={"double": 2, "triple": 3},
    announcing={
        **dict.fromkeys(("number", "phone", "mobile", "cell", "telephone", "passport", "address"), 7),
        **dict.fromkeys(("reference", "zip", "postcode", "digits"), 5),
        **{"code": 4, "pin": 4, "extension": 3},
    },
    qualifying={"card": 12, "account": 6, "order": 5, "booking": 5, "confirmation": 5, "four": 4},
    links=words("is, it's, its, are, was, the, my, a, starts, begins, with, area, country, um, uh, so, okay, and"),
    labels=words("room, table, gate, floor, apartment, building, line, bus, seat, house, flat, suite, option, door"),
    spelling=words("spell, spelled, spelt, spelling, letter, letters, initials"),
    letters=frozenset(),
    one_letter_words=words("a, i, o"),
    fillers=words("um, uh, uhm, umm, uhh, er, erm, hmm, hm, mm, mmm, oh, ah, well"),
    abbreviations=words("mr, mrs, ms, dr"),
)
