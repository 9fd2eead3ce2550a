"""The gateway's door: a turn is run once, wherever it ran before, and its trace goes on to the actions."""

import asyncio
from types import SimpleNamespace

import pytest
from aiohttp import web
from rasa.core.tracker_store import InMemoryTrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import BotUttered, UserUttered
from rasa.utils.endpoints import EndpointConfig

from brain.channel import GatewayChannel
from brain.strict_endpoint import joined
from brain.turn import Turn, entity, language_written, only_names, typed_command, unsure

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
BODY = {"conversation_id": "conv_1", "turn_id": "msg_1", "language": "en", "text": "hello"}


class Processor:
    """Understands nothing and echoes, with one custom action in between."""

    def __init__(self, endpoint=None):
        self.action_endpoint = endpoint
        self.heard = []

    async def parse_message(self, message):
        return {"text": message.text, "intent": {"name": "greet", "confidence": 1.0}, "intent_ranking": [], "entities": []}

    async def handle(self, store, message):
        self.heard.append(message.text)
        if self.action_endpoint is not None:
            await self.action_endpoint.request(json={"next_action": "action_x"}, method="post", timeout=5, compress=False)
        tracker = await store.get_or_create_tracker(message.sender_id)
        tracker.update(UserUttered(message.text, parse_data=message.parse_data, message_id=message.message_id))
        tracker.update(BotUttered("echo: " + message.text))
        await store.save(tracker)
        await message.output_channel.send_text_message(message.sender_id, "echo: " + message.text)


class Rasa:
    """One of several processes that share a tracker store."""

    def __init__(self, store, endpoint=None):
        self.channel, self.processor = GatewayChannel(), Processor(endpoint)
        self.agent = SimpleNamespace(
            tracker_store=store, processor=self.processor, is_ready=lambda: True,
            handle_message=lambda message: self.processor.handle(store, message),
        )  # fmt: skip

    async def turn(self, headers=None, **change):
        with joined(headers or {}):
            answer = await self.channel._answer(Turn.from_body({**BODY, **change}), self.agent)
        assert answer.status == 200, answer.body
        return answer.body


@pytest.fixture
def store():
    return InMemoryTrackerStore(Domain.empty())


def test_a_turn_that_ran_in_another_rasa_is_answered_and_not_run_again(store):
    async def talk():
        one, two = Rasa(store), Rasa(store)
        # Both have had this conversation before; the second turn's answer was lost on its way from the first Rasa.
        await one.turn(turn_id="msg_0", text="earlier")
        await two.turn(turn_id="msg_0", text="earlier", again=True)
        lost = await one.turn()
        assert await two.turn(again=True) == lost and b"echo: hello" in lost
        assert one.processor.heard == ["earlier", "hello"] and two.processor.heard == []
        # What never ran is run, also when it is asked again.
        assert b"echo: new" in await two.turn(turn_id="msg_2", text="new", again=True)
        assert two.processor.heard == ["new"]

    asyncio.run(talk())


def test_the_trace_goes_on_to_the_actions_and_no_further(store):
    seen = []

    async def webhook(request):
        seen.append(request.headers.get("traceparent"))
        return web.json_response({"events": [], "responses": []})

    async def talk():
        app = web.Application()
        app.router.add_post("/webhook", webhook)
        running = web.AppRunner(app)
        await running.setup()
        await web.TCPSite(running, "127.0.0.1", 0).start()
        port = running.addresses[0][1]
        rasa = Rasa(store, EndpointConfig(f"http://127.0.0.1:{port}/webhook"))
        other = Rasa(store, EndpointConfig(f"http://127.0.0.1:{port}/webhook"))
        await asyncio.gather(
            rasa.turn({"traceparent": TRACE}, conversation_id="conv_a", turn_id="a"),
            other.turn({}, conversation_id="conv_b", turn_id="b"),
        )
        await rasa.turn({"traceparent": "x\r\nSet-Cookie: a=b"}, conversation_id="conv_c", turn_id="c")
        await running.cleanup()

    asyncio.run(talk())
    assert sorted(str(one) for one in seen) == [TRACE, "None", "None"]


@pytest.mark.parametrize(
    "text, entities, keeps",
    [
        ("Youku", [("merchant", 0, 5)], True),  # pinyin, and yet what an English customer writes
        ("ICBC.", [("bank", 0, 4)], True),
        ("Youku jiu hao", [("merchant", 0, 5)], False),
        ("debit card", [("card_type", 0, 10)], False),
        ("工行", [("bank", 0, 2)], False),
        ("1234", [], False),
    ],
)
def test_a_bare_name_changes_no_language(text, entities, keeps):
    found = [{"entity": kind, "start": start, "end": end} for kind, start, end in entities]
    assert only_names(text, found) is keeps


@pytest.mark.parametrize(
    "text, language", [("yes", None), (" Yes!! ", None), ("NO", None), ("yes please", "en"), ("no way", "en"), ("yes，办吧", "zh"), ("是", "zh"), ("ok", None), ("thanks", "en")]
)
def test_a_bare_yes_or_no_changes_no_language(text, language):
    assert language_written(text, entities=[]) == language


@pytest.mark.parametrize("text", ["/unbind_card{}", "unbind_card{}", "unbind_card", '/unbind_card{"card_tail": "1234"}', " //inform{", "affirm{}", "unbind_card {\n}"])
def test_what_is_written_as_a_command_begins_and_confirms_nothing(text):
    assert typed_command(text)
    parse = {"intent": {"name": "unbind_card", "confidence": 0.9}, "intent_ranking": [{"name": "unbind_card", "confidence": 0.9}], "entities": [entity("card_tail", "1234")]}
    assert unsure(parse)["intent"]["name"] == "nlu_fallback" and unsure(parse)["entities"] == [] and unsure(parse)["intent_ranking"] == parse["intent_ranking"]
    assert unsure(parse | {"intent": {"name": "affirm", "confidence": 0.9}})["intent"]["name"] == "nlu_fallback"
    assert unsure(parse | {"intent": {"name": "faq", "confidence": 0.9}})["intent"]["name"] == "faq"


@pytest.mark.parametrize("text", ["unbind my card", "解绑", "/解绑", "/unbind card", "yes", "1234", "{", "unbind {card}", "my card_1 please", ""])
def test_what_people_write_is_no_command(text):
    assert not typed_command(text)
