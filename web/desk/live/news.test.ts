import { describe, expect, it } from "vitest";
import type { Row } from "../types";
import { Newsroom } from "./news";

const row = (change: Partial<Row> & { since?: string }): Row => ({
  id: "conv_1",
  mode: "bot",
  agent: null,
  language: "zh",
  channel: "web",
  signed_in: true,
  updated_at: "2026-01-01T00:00:00Z",
  customer_at: null,
  last: null,
  ticket: change.since
    ? { id: "hnd_1", reason: "requested", intent: null, operation_id: null, summary: null, priority: "normal", language: "zh", since: change.since, taken_by: null, position: 0 }
    : null,
  ...change,
});
const waiting = row({ mode: "queue", since: "1" });
const mine = row({ mode: "human", agent: "lina", since: "1" });
const wrote = (at: string) => ({ ...mine, last: { author: "customer" as const, text: "hello", at } });

describe("what an agent is called for", () => {
  it("tells that a customer waits, once, and only who speaks the language", () => {
    const room = new Newsroom();
    expect(room.hear(waiting, "lina", ["zh"])).toBe("waiting");
    expect(room.hear(waiting, "lina", ["zh"])).toBeNull();
    expect(room.hear(row({ mode: "queue", since: "2" }), "lina", ["zh"])).toBe("waiting");
    expect(new Newsroom().hear(waiting, "lina", ["en"])).toBeNull();
  });

  it("tells that a talk was given to me, not that I took it", () => {
    let now = 0;
    const room = new Newsroom(() => now);
    room.hear(waiting, "lina", ["zh"]);
    expect(room.hear(mine, "lina", ["zh"])).toBe("given");
    expect(room.hear({ ...mine, agent: "wang" }, "lina", ["zh"])).toBeNull();
    room.take();
    expect(room.hear(mine, "lina", ["zh"])).toBeNull();
    room.hear({ ...mine, agent: "wang" }, "lina", ["zh"]);
    now = 10_000;
    expect(room.hear(mine, "lina", ["zh"])).toBe("given");
    // Into the queue by my own hand.
    expect(room.hear(waiting, "lina", ["zh"])).toBeNull();
  });

  it("tells each line of my customers once, and none of what a list showed already", () => {
    const room = new Newsroom();
    room.keep(wrote("1"));
    expect(room.hear(wrote("1"), "lina", ["zh"])).toBeNull();
    expect(room.hear(wrote("2"), "lina", ["zh"])).toBe("wrote");
    expect(room.hear(wrote("2"), "lina", ["zh"])).toBeNull();
    expect(room.hear({ ...mine, last: { author: "agent", text: "hi", at: "3" } }, "lina", ["zh"])).toBeNull();
    expect(room.hear(wrote("4"), "wang", ["zh"])).toBeNull();
  });
});
