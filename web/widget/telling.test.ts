import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Session } from "./session";
import { Store } from "./state";
import { Telling } from "./telling";

const told = (): unknown[] => vi.mocked(fetch).mock.calls.map(([path, options]) => [path, JSON.parse(String(options?.body))]);

describe("what the widget tells a person of the desk", () => {
  let store: Store;
  let telling: Telling;
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("fetch", vi.fn(() => Promise.resolve(new Response(null, { status: 204 }))));
    store = new Store("en");
    const session = new Session();
    session.take({ id: "conv_1", token: "t", sub: null });
    telling = new Telling(store, session);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("says that the customer types once in three seconds, and that they stopped", () => {
    store.set({ mode: "human" });
    telling.types(true);
    telling.types(true);
    vi.advanceTimersByTime(3_000);
    telling.types(true);
    telling.types(false);
    telling.types(false);
    const at = "/api/v1/conversations/conv_1/typing";
    expect(told()).toEqual([[at, { typing: true }], [at, { typing: true }], [at, { typing: false }]]);
  });

  it("says nothing of a line that was sent, and nothing to the assistant", () => {
    telling.types(true);
    telling.seen("msg_1");
    expect(told()).toEqual([]);
    store.set({ mode: "human" });
    telling.sent();
    telling.types(false);
    expect(told()).toEqual([]);
  });

  it("says once what was seen", () => {
    store.set({ mode: "human" });
    telling.seen("msg_1");
    telling.seen("msg_1");
    telling.seen("msg_2");
    expect(told()).toEqual([["/api/v1/conversations/conv_1/seen", { message: "msg_1" }], ["/api/v1/conversations/conv_1/seen", { message: "msg_2" }]]);
  });
});
