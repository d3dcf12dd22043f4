"""The garden shop, and the picture that a model with eyes gets."""

from __future__ import annotations

import aiohttp
import pytest
from livekit.agents.llm import ChatContext, ChatMessage, FunctionCall, FunctionCallOutput, ImageContent

from examples.browsing_agent.agent import with_picture
from examples.browsing_agent.site.goods import GOODS, Fact, Good, searched
from examples.browsing_agent.site.shop import GardenShop


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("watering can", "Watering can"),
        ("open sunday", "On Sunday we are open from ten to four."),
        ("roses", "Rose bush"),
    ],
)
def test_what_fits_best_is_found_first(words: str, first: str) -> None:
    """By the number of words in common, plural or not; of unknown words nothing is found."""
    found = searched(words)[0]
    assert (found.name if isinstance(found, Good) else found.text) == first
    assert searched("of the moon") == []
    assert all(isinstance(each, Good | Fact) for each in searched(words))


async def test_the_shop_is_open_while_it_is_used() -> None:
    """Each link of the first page leads somewhere; an order is kept and numbered; what is written is no markup."""
    async with GardenShop() as shop, aiohttp.ClientSession(shop.url) as client:
        for path in ("/", "/goods", "/hours", "/delivery", "/advice", "/guestbook", "/order", f"/goods/{GOODS[0].key}"):
            async with client.get(path) as answer:
                assert answer.status == 200, path
        async with client.get("/goods/gold") as answer:
            assert answer.status == 404
        async with client.get("/search", params={"q": "<b>gold</b>"}) as answer:
            assert "<b>gold" not in await answer.text()
        for number in (1, 2):
            async with client.post("/order", data={"name": "<i>Ada</i>"}) as answer:
                text = await answer.text()
                assert f"number {number}" in text
                assert "<i>Ada" not in text
        assert [order["name"] for order in shop.orders] == ["<i>Ada</i>"] * 2
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(shop.url)


def test_a_picture_stands_beside_the_callers_words() -> None:
    """In a copy: the conversation itself does not grow by a picture a turn; what is answered is still the last item."""
    context = ChatContext.empty()
    context.add_message(role="user", content="Hello")
    asked = context.add_message(role="user", content="What do you see?")
    context.items.append(FunctionCall(call_id="c", name="read", arguments="{}"))
    context.items.append(FunctionCallOutput(call_id="c", name="read", output="A page.", is_error=False))
    shown = with_picture(context, b"jpeg")
    assert [item.type for item in shown.items] == ["message", "message", "function_call", "function_call_output"]
    picture = shown.items[1]
    assert isinstance(picture, ChatMessage)
    words, image = picture.content
    assert words == "What do you see?"
    assert isinstance(image, ImageContent)
    assert image.image == "data:image/jpeg;base64,anBlZw=="
    assert asked.content == ["What do you see?"]
    assert with_picture(ChatContext.empty(), b"jpeg").items == []
