"""A stand-in for Rasa with a model: it answers turns word for word as tests order them, and runs the main job against the real backend.

`python standin_rasa.py PORT`; `POST /control {"replies": […], "delay": s}` sets what the next turns answer, `{}` puts it back.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from typing import Any

import aiohttp
from aiohttp import web

from tests.web.desk_answers import parse_of, suggest

Reply = dict[str, Any]
NAMES = {"cmb": ("招商银行储蓄卡（尾号{}）", "China Merchants Bank debit card ending {}"), "icbc": ("工商银行信用卡（尾号{}）", "ICBC credit card ending {}"),
         "ccb": ("建设银行储蓄卡（尾号{}）", "China Construction Bank debit card ending {}")}  # fmt: skip
WALLETS = {"alipay": ("支付宝", "Alipay"), "wechat_pay": ("微信支付", "WeChat Pay"), "apple_pay": ("Apple Pay", "Apple Pay")}


def button(title: str, intent: str, **entities: str) -> dict[str, Any]:
    """Returns a button with a command."""
    return {"title": title, "command": {"intent": intent, "entities": [{"entity": k, "value": v} for k, v in entities.items()]}}


class Brain:
    """Enough of an assistant to drive the widget: greeting, list, unbinding with a code or on the secure page, a person."""

    def __init__(self) -> None:
        self.talks: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Any] = {}
        self.orders: dict[str, Any] = {}
        self.session: aiohttp.ClientSession

    async def turn(self, request: web.Request) -> web.Response:
        """Runs one turn."""
        if request.headers.get("Authorization") != "Bearer " + os.environ["RASA_CHANNEL_TOKEN"]:
            return web.json_response({"code": "unauthenticated"}, status=401)
        body = await request.json()
        if body["turn_id"] not in self.answers:
            text = body["text"] or ""
            greeting = (body["command"] or {}).get("name") == "session_started"
            if not greeting:
                await asyncio.sleep(self.orders.get("delay", 0))
                if self.orders.get("fail"):
                    return web.json_response({"code": "turn_failed"}, status=500)
            language = body["language"]
            if not body["command"] and text:
                language = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
            ordered = None if greeting else self.orders.get("replies")
            replies = ordered if ordered is not None else await self.answer(body, text, language)
            parse = parse_of(text) | {"language": language}
            self.answers[body["turn_id"]] = {"language": language, "pinned": False, "replies": replies, "parse": parse}
        return web.json_response(self.answers[body["turn_id"]])

    async def answer(self, body: dict[str, Any], text: str, language: str) -> list[Reply]:
        """Returns the replies of a turn."""
        talk = self.talks.setdefault(body["conversation_id"], {})
        command = body["command"] or {}
        name, zh = command.get("name"), language == "zh"
        intent = command.get("intent")
        say = lambda chinese, english, *buttons, card=None: [{"text": chinese if zh else english, "buttons": list(buttons), **({"card": card} if card else {})}]  # noqa: E731
        if name == "session_started":
            return say("您好，我是解绑助手，可以帮您解绑银行卡、关闭快捷支付、绑定或解绑数字钱包。想办什么？",
                       "Hi, I'm the Jiebang assistant. I can unbind bank cards, turn quick payment off, and link or unlink wallets. What do you need?",
                       button("解绑银行卡" if zh else "Unbind a card", "unbind_card"), button("查看已绑定" if zh else "What's on my account", "check_bindings"))  # fmt: skip
        if name == "operation_event":
            return self.outcome(talk, command["operation"], zh)
        if name == "signed_in":
            if talk.get("wanted"):
                return await self.unbind(body, talk, zh)
            return say("登录成功，现在可以为您办理了。", "You're signed in. What can I do for you?")
        if name == "submit_code":
            return await self.submit(body, talk, command["code_ref"], zh)
        if intent == "affirm":
            return await self.challenge(body, talk, "sms", zh)
        if intent == "inform" and talk.get("operation"):
            return await self.challenge(body, talk, "payment_password", zh)
        if intent in ("deny", "stop"):
            return say("好的，没有做任何改动。", "OK, I haven't changed anything.")
        if intent == "check_bindings" or re.search(r"绑了什么|on my account", text):
            return await self.bindings(body, zh)
        if intent == "unbind_card" or re.search(r"解绑尾号|unbind my", text, re.I):
            if not body["signed_in"]:
                talk["wanted"] = True
                return [{"text": "办理前需要先登录，确认是您本人。" if zh else "Please sign in first, so that I know it's you.", "buttons": [{"title": "登录" if zh else "Sign in", "action": "sign_in"}]}]
            return await self.unbind(body, talk, zh)
        if re.search(r"人工|agent|person", text):
            await self.gateway("/internal/v1/handoff", body, {"reason": "requested"})
            return say("好的，正在为您接通人工客服，请稍等。", "OK, I'm connecting you with a person. One moment.")
        if "speak English" in text or "中文" in text:
            return say("好的，接下来用中文。", "Sure, English it is.")
        return say("会停。用这张卡续费的会员在解绑后不再扣款：\n- 已付的当期还能用\n- 其他付款方式**不受影响**\n需要的话可以拨打 950618。",
                   "Yes. Memberships that renew on this card stop being charged:\n- what you've paid for stays\n- your other ways to pay are **not affected**\nYou can also call 950618.")  # fmt: skip

    async def bindings(self, body: dict[str, Any], zh: bool) -> list[Reply]:
        """Lists cards and wallets."""
        _, cards = await self.binding("GET", "/v1/cards", body)
        _, wallets = await self.binding("GET", "/v1/wallets", body)
        cards, wallets = cards["items"], wallets["items"]
        card = {"type": "bindings",
                "cards": [{"id": c["id"], "name": NAMES[c["bank"]][not zh].format(c["tail"]), "bank": c["bank"], "tail": c["tail"], "quick_pay": c["quick_pay"], "state": c["state"]} for c in cards],
                "wallets": [{"id": w["id"], "name": WALLETS[w["kind"]][not zh], "kind": w["kind"], "state": w["state"]} for w in wallets]}  # fmt: skip
        names = "\n".join("· " + one["name"] for one in [*card["cards"], *card["wallets"]])
        return [{"text": ("您已绑定：\n" if zh else "On your account:\n") + names, "buttons": [], "card": card}]

    async def unbind(self, body: dict[str, Any], talk: dict[str, Any], zh: bool) -> list[Reply]:
        """Opens the operation on the card ending 1234 and asks for a yes."""
        _, cards = await self.binding("GET", "/v1/cards", body)
        card = next((c for c in cards["items"] if c["tail"] == "1234"), None)
        if card is None:
            return [{"text": "没有找到尾号1234的卡。" if zh else "I can't find a card ending 1234.", "buttons": []}]
        _, operation = await self.binding("POST", "/v1/operations", body, {"kind": "card.unbind", "target": card["id"]})
        talk |= {"operation": operation["id"], "version": operation["effects_version"], "wanted": False}
        target = NAMES["cmb"][not zh].format("1234")
        return [{"text": f"要解绑{target}。用这张卡的自动扣款会停，其他付款方式不受影响。确认解绑吗？确认后我发验证码。" if zh
                 else f"I'm about to unbind {target}. Automatic payments on it will stop; your other ways to pay stay. Shall I go ahead? I'll text you a code.",
                 "buttons": [button("确认解绑" if zh else "Yes, unbind it", "affirm"), button("用支付密码验证" if zh else "Use my payment password", "inform", method="payment_password"),
                             button("先不了" if zh else "Not now", "deny")]}]  # fmt: skip

    async def challenge(self, body: dict[str, Any], talk: dict[str, Any], method: str, zh: bool) -> list[Reply]:
        """Sends a code, or gives the secure page's link."""
        _, made = await self.binding("POST", f"/v1/operations/{talk['operation']}/challenges", body, {"method": method, "effects_version": talk["version"]})
        if method == "payment_password":
            return [{"text": "请在安全页面输入支付密码，不要发在聊天里。" if zh else "Please enter your payment password on the secure page, never in this chat.",
                     "buttons": [{"title": "打开安全页面" if zh else "Open the secure page", "url": made["url"]}]}]  # fmt: skip
        talk["challenge"] = made["id"]
        return [{"text": f"验证码已发到{made['destination']}，5分钟内有效，请把6位数字发给我。别告诉其他任何人。" if zh
                 else f"I've texted a 6-digit code to {made['destination']}, valid for 5 minutes. Type it here, and don't share it with anyone else.",
                 "buttons": [button("不办了" if zh else "Stop", "stop")]}]  # fmt: skip

    async def submit(self, body: dict[str, Any], talk: dict[str, Any], ref: str, zh: bool) -> list[Reply]:
        """Verifies the code."""
        _, opened = await self.gateway("/internal/v1/codes/open", body, {"code_ref": ref})
        status, found = await self.binding("POST", f"/v1/challenges/{talk['challenge']}/verify?wait=3", body, {"code": opened["code"], "effects_version": talk["version"]})
        if status >= 400:
            left = found.get("attempts_left")
            return [{"text": f"验证码不对，还可以试{left}次。请再看一下短信，把6位验证码发给我。" if zh else f"That code isn't right; {left} tries left. Please check the text and send me the 6-digit code again.",
                     "buttons": [button("不办了" if zh else "Stop", "stop")]}]  # fmt: skip
        return self.outcome(talk, found, zh)

    def outcome(self, talk: dict[str, Any], operation: dict[str, Any], zh: bool) -> list[Reply]:
        """Says how the operation stands, with its card; once for each state."""
        if talk.get("reported") == (operation["id"], operation["status"]):
            return []
        talk["reported"] = (operation["id"], operation["status"])
        target, status = NAMES["cmb"][not zh].format("1234"), operation["status"]
        card = {"type": "operation", "id": operation["id"], "kind": operation["kind"], "status": status, "target": target, "reference": operation["reference"],
                "reason": operation["reason_code"], "effects": operation["effects"], "eta": operation["eta"], "at": operation["finished_at"] or operation["updated_at"]}  # fmt: skip
        words = {"succeeded": ("办好了：{}已解绑，稍后会收到短信通知。", "Done: {} is unbound. A text message will confirm it."),
                 "failed": ("银行拒绝了这次申请，{}没有变化。", "The bank refused, so {} is unchanged.")}.get(status, ("{}：银行还在处理，有结果我马上告诉您。", "{}: the bank is still working on it. I'll tell you as soon as there's a result."))  # fmt: skip
        replies = [{"text": words[not zh].format(target), "buttons": [], "card": card}]
        if status == "succeeded":
            replies.append({"text": "还有别的需要吗？" if zh else "Anything else I can do?", "buttons": [], "card": {"type": "rating"}})
        return replies

    async def gateway(self, path: str, body: dict[str, Any], more: dict[str, Any]) -> tuple[int, Any]:
        """Calls the gateway's internal port, as the actions do."""
        headers = {"Authorization": "Bearer " + os.environ["ACTIONS_TOKEN"]}
        ref = {"conversation_id": body["conversation_id"], "turn_id": body["turn_id"]}
        async with self.session.post(os.environ["GATEWAY_INTERNAL_URL"] + path, json=ref | more, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def binding(self, method: str, path: str, body: dict[str, Any], data: Any = None) -> tuple[int, Any]:
        """Calls binding for this turn's customer, as the actions do."""
        _, made = await self.gateway("/internal/v1/token", body, {})
        headers = {"Authorization": "Bearer " + os.environ["ACTIONS_BINDING_TOKEN"], "X-Customer-Token": made["token"], "Idempotency-Key": f"{body['turn_id']}:{path[:80]}"}
        async with self.session.request(method, os.environ["BINDING_URL"] + path, json=data, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def control(self, request: web.Request) -> web.Response:
        """Sets what the next turns do."""
        self.orders = await request.json()
        return web.json_response({})


def main() -> None:
    """Serves until ended."""
    brain = Brain()
    app = web.Application()

    async def session(_: web.Application) -> Any:
        brain.session = aiohttp.ClientSession()
        yield
        await brain.session.close()

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"ready": True, "model": "stand-in"})

    app.cleanup_ctx.append(session)
    app.router.add_post("/webhooks/gateway/turn", brain.turn)
    app.router.add_get("/webhooks/gateway/readyz", ready)
    async def suggested(request: web.Request) -> web.Response:
        body = await request.json()
        return web.json_response(suggest(body["text"], body["language"]))

    app.router.add_post("/webhooks/gateway/suggest", suggested)
    app.router.add_post("/control", brain.control)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
