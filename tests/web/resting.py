"""A page looked at once nothing on it moves any more: where things stand, and what axe finds."""

from __future__ import annotations

import pathlib
from typing import Any

from playwright.sync_api import Locator, expect

AXE = pathlib.Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
# A spinner never comes to rest. What moves may be followed by another movement, and what has just ended is drawn with the next frame.
AT_REST = """async (one) => {
  const moving = () => one.getAnimations({subtree: true}).filter((move) => move.playState === 'running' && move.effect.getComputedTiming().iterations !== Infinity);
  for (let now = moving(); now.length; now = moving()) await Promise.allSettled(now.map((move) => move.finished));
  const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
  await Promise.race([frame().then(frame), new Promise((late) => setTimeout(late, 500))]);  // a tab behind another one draws none
}"""
FAULTS = "async (options) => (await axe.run(document, {resultTypes: ['violations'], ...options})).violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).join(' | '))"  # noqa: E501


def box(locator: Locator) -> dict[str, float]:
    """Returns where an element is shown: x, y, width and height in CSS pixels. What is hidden has a place in the view as well, so it is waited for."""
    expect(locator).to_be_visible()
    locator.evaluate(AT_REST)
    found = locator.bounding_box()
    assert found is not None, locator
    return dict(found)


def axe_faults(where: Any, **options: Any) -> list[str]:
    """Returns the accessibility faults of a page or frame; `options` are axe's own."""
    where.locator("html").evaluate(AT_REST)
    where.evaluate(AXE.read_text(encoding="utf-8") + "; undefined")
    return list(where.evaluate(FAULTS, options))
