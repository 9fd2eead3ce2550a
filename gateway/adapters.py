"""Which messaging apps this gateway serves: those that are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.channels.base import Adapter
    from gateway.services import Services


def adapters(services: Services) -> dict[str, Adapter]:
    """Returns the adapters by channel name."""
    settings = services.settings
    found: dict[str, Adapter] = {}
    if settings.telegram_token:
        from gateway.channels.telegram import Telegram

        found["telegram"] = Telegram(services)
    if settings.wechat_token:
        from gateway.channels.wechat import WeChat

        found["wechat"] = WeChat(services)
    if settings.webhook_clients:
        from gateway.channels.webhook import Hook

        found["webhook"] = Hook(services)
    return found
