"""Operations that a person of the desk does for a customer. Binding decides everything: the effects, the code to the registered phone, the outcome."""

from __future__ import annotations

import re
from typing import Any

from gateway.desk import place as places
from gateway.desk.binding import DeskBinding, key_of
from gateway.desk.guide import guide
from gateway.desk.place import Place
from gateway.guard.seal import CodeGone
from gateway.problems import Problem
from gateway.services import Services

# What an operation's id of binding's looks like. Anything else (`#`, `%2F`, a path) would reach its other doors with our service token.
OPERATION = re.compile(r"op_[A-Za-z0-9]{1,60}")


class Acting:
    """What can be done at a place. Each step is an audit line; none can be left out, since binding would refuse the next."""

    def __init__(self, services: Services) -> None:
        self.services, self.binding = services, DeskBinding(services)

    async def begin(self, place: Place, *, kind: str, target: str, client_id: str) -> dict[str, Any]:
        """Asks for an operation: nothing has happened yet, the effects are to be told. Raises `blocked`, `operation_in_progress`, …"""
        body = {"kind": kind, "target": target}
        return await self._done(place, "operations", body, "begin", client_id, action="operation_begun")

    async def confirm(self, place: Place, operation_id: str, *, effects_version: str, client_id: str) -> dict[str, Any]:
        """Notes the customer's yes to these effects and sends the code to the registered phone."""
        await self._own(place, operation_id)
        body = {"method": "sms", "effects_version": effects_version}
        key = key_of(place.id, place.agent, "confirm", operation_id, client_id)
        await self.binding.post(f"operations/{operation_id}/challenges", body, **self._who(place), key=key)
        found = await self._own(place, operation_id)
        await self.services.database.write(
            places.note_operation, place=place, operation=found, action="operation_confirmed", confirmed=True
        )
        return self._shown(place, found)

    async def verify(
        self, place: Place, operation_id: str, *, code: str, effects_version: str | None, client_id: str
    ) -> dict[str, Any]:
        """Hands in the code that the customer read back; it is stored nowhere. `effects_version`: the effects that the agent was shown.

        What binding shows now may be what nobody has seen. A page that names no version gets by only with a code that was
        sent for these very effects, which binding checks in any case. Raises `effects_changed`.
        """
        operation = await self._own(place, operation_id)
        if not operation.get("challenge"):
            raise Problem("code_gone", "Send a code first.")
        body = {"code": code, "effects_version": effects_version or operation["effects_version"]}
        path = f"challenges/{operation['challenge']['id']}/verify?wait=3"
        return await self._done(place, path, body, "verify", client_id, action="operation_verified")

    async def cancel(self, place: Place, operation_id: str, *, client_id: str) -> dict[str, Any]:
        """Cancels an operation that awaits verification."""
        path = f"operations/{operation_id}/cancel"
        return await self._done(place, path, {}, "cancel", client_id, action="operation_cancelled")

    async def look(self, place: Place, operation_id: str) -> dict[str, Any]:
        """Shows how an operation stands."""
        found = await self._own(place, operation_id)
        await self.services.database.write(places.follow, operation=found)
        return self._shown(place, found)

    async def open_one(self, place: Place) -> dict[str, Any] | None:
        """Returns the operation that is under way for this customer, this place's own first; else the newest of this place."""
        if place.account is None:
            return None
        found = await self.binding.items("operations?limit=10", **self._who(place))
        under_way = [one for one in found if one["status"] in ("awaiting_verification", "processing", "pending")]
        here = [one for one in found if one.get("conversation") == place.id]
        return next(iter([one for one in under_way if one in here] + under_way + here), None)

    def opened(self, *, ref: str, place: str, line: str) -> tuple[str, str]:
        """Returns (code, its one-time mark) that a transcript line holds; raises `code_gone`."""
        try:
            return self.services.sealer.unseal(ref=ref, conversation=place, message=line)
        except CodeGone:
            raise Problem("code_gone", "That code is too old. Ask for it again.") from None

    async def _own(self, place: Place, operation_id: str) -> dict[str, Any]:
        if not OPERATION.fullmatch(operation_id):
            raise Problem("not_found")
        return await self.binding.get(f"operations/{operation_id}", **self._who(place))

    async def _done(
        self, place: Place, path: str, body: Any, step: str, client_id: str, *, action: str
    ) -> dict[str, Any]:
        if step == "cancel":
            await self._own(place, path.split("/")[1])
        key = key_of(place.id, place.agent, step, path, client_id)
        found = await self.binding.post(path, body, **self._who(place), key=key)
        await self.services.database.write(places.note_operation, place=place, operation=found, action=action)
        return self._shown(place, found)

    @staticmethod
    def _who(place: Place) -> dict[str, str]:
        assert place.account is not None
        return {"account": place.account, "place": place.id, "agent": place.agent}

    @staticmethod
    def _shown(place: Place, operation: dict[str, Any]) -> dict[str, Any]:
        return {"operation": operation, "guide": guide(operation, place=place.kind)}
