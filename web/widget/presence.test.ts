import { beforeEach, describe, expect, it } from "vitest";
import type { Message } from "../shared/types";
import { merge } from "./lines";
import { Presence } from "./presence";
import { Session } from "./session";
import { Store } from "./state";
import { load } from "./storage";

const said = (id: string, author: Message["author"] = "bot"): Message => ({ id, author, text: id, buttons: [], at: "2026-01-01T00:00:00Z" });

describe("presence", () => {
  let store: Store;
  let session: Session;
  let presence: Presence;
  const come = (...messages: Message[]) => {
    store.set({ lines: merge(store.state.lines, messages) });
    presence.came(messages);
  };
  beforeEach(() => {
    sessionStorage.clear();
    store = new Store("zh");
    session = new Session();
    session.take({ id: "conv_1", token: "jbc_1", sub: null });
    presence = new Presence(store, session);
  });

  it("counts what others said behind the closed button, and marks the first of it", () => {
    come(said("m1"));
    expect(store.state.unread).toBe(0);
    presence.visible(false);
    come(said("m2", "customer"), said("m3"), said("m4", "agent"));
    expect([store.state.unread, store.state.firstUnread]).toEqual([2, "m3"]);
    presence.visible(true);
    expect([store.state.unread, store.state.firstUnread]).toEqual([0, "m3"]); // the mark stays while it is read
    presence.visible(false);
    expect(store.state.firstUnread).toBeNull();
  });

  it("remembers over a reload what was seen", () => {
    come(said("m1"));
    expect(load()?.seen).toBe("m1");
    presence.visible(false);
    come(said("m2"));
    expect(load()?.seen).toBe("m1");
    const after = new Store("zh");
    const tab = new Presence(after, session);
    tab.visible(false);
    after.set({ lines: store.state.lines });
    tab.recall(after.state.lines);
    expect([after.state.unread, after.state.firstUnread]).toEqual([1, "m2"]);
  });
});
