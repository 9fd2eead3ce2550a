import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Answer } from "../shared/types";
import { merge, settle } from "./lines";
import { Outbox } from "./outbox";
import { Session } from "./session";
import { Store } from "./state";

const answer = (id: string): Answer => ({ id, mode: "bot", language: "en", replies: [] });
const reply = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

/** An outbox in front of a gateway that answers as ordered; `asked` holds what came, and `now` the lines as they stand. */
function desk(...answers: (Response | Error)[]) {
  const asked: { path: string; body: Record<string, string> }[] = [];
  vi.stubGlobal("fetch", async (path: string, how: { body: string }) => {
    asked.push({ path, body: JSON.parse(how.body) });
    const next = answers.shift() ?? reply(200, answer(`m${asked.length}`));
    if (next instanceof Error) throw next;
    return next;
  });
  const store = new Store("en");
  const session = new Session();
  session.take({ id: "conv_1", token: "jbc_1", sub: "demo-en" });
  const talk = { renewals: 0, needed: 0 };
  const outbox = new Outbox(store, session, {
    start: async () => undefined,
    renew: async () => (talk.renewals += 1) < 2,
    signInNeeded: () => (talk.needed += 1),
    answered: (clientId, found) => store.set({ lines: settle(store.state.lines, clientId, found.id, found.replies) }),
  });
  const now = () => store.state.lines.map((line) => `${line.text}${line.state ? ` (${line.state}: ${line.fault ?? ""})` : ""}`);
  const calm = () => vi.waitFor(() => expect(store.state.busy).toBe(false));
  return { asked, store, session, talk, outbox, now, calm };
}

describe("outbox", () => {
  beforeEach(() => sessionStorage.clear());
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it("sends one at a time, in the order of typing", async () => {
    const { outbox, asked, now, calm } = desk();
    outbox.say(" one ");
    outbox.say("two");
    outbox.say("   ");
    await calm();
    expect(asked.map((one) => one.body.text)).toEqual(["one", "two"]);
    expect(now()).toEqual(["one", "two"]);
  });

  it("tries a cut line again under the same client id, so that it counts once", async () => {
    const { outbox, asked, now, calm } = desk(new Error("cut"));
    outbox.say("pay");
    await calm();
    expect(new Set(asked.map((one) => one.body.client_id)).size).toBe(1);
    expect(asked).toHaveLength(2);
    expect(now()).toEqual(["pay"]);
  });

  it("does not call a line unsent that the gateway has", async () => {
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    const { outbox, store, now, calm } = desk(new Error("cut"));
    outbox.say("pay");
    store.set({ lines: merge(store.state.lines, [{ id: "m1", author: "customer", text: "pay", buttons: [], at: "2026-01-01T00:00:00Z" }]) });
    await calm();
    expect(now()).toEqual(["pay"]);
  });

  it("keeps what was refused, with the server's sentence, and sends it again under the same client id", async () => {
    const { outbox, asked, store, now, calm } = desk(reply(503, { code: "assistant_unavailable", message: { en: "Away for a moment.", zh: "稍等" } }));
    outbox.say("hello");
    await calm();
    expect(now()).toEqual(["hello (failed: Away for a moment.)"]);
    outbox.resend(store.state.lines[0]?.clientId ?? "");
    await calm();
    expect(now()).toEqual(["hello"]);
    expect(asked[0]?.body.client_id).toBe(asked[1]?.body.client_id);
  });

  it("renews a sign-in that ran out, and asks for one when that is not to be had", async () => {
    const ranOut = () => reply(401, { code: "sign_in_again" });
    const renewed = desk(ranOut());
    renewed.outbox.say("go on");
    await renewed.calm();
    expect([renewed.now(), renewed.talk.renewals, renewed.talk.needed]).toEqual([["go on"], 1, 0]);
    const refused = desk(ranOut(), ranOut());
    refused.outbox.say("go on");
    await refused.calm();
    expect(refused.talk.needed).toBe(1);
    expect(refused.store.state.lines[0]?.state).toBe("failed");
  });

  it("takes a press on a dead button back, and says so", async () => {
    const { outbox, asked, store, calm } = desk(reply(409, { code: "button_expired" }));
    outbox.press("btn_1", "Yes, unbind it");
    outbox.press("btn_1", "Yes, unbind it"); // a double click
    await calm();
    expect(asked.map((one) => one.path)).toEqual(["/api/v1/conversations/conv_1/press"]);
    expect([store.state.lines, store.state.notice]).toEqual([[], "That button is no longer active. Please use the latest options."]);
  });

  it("lets a line that was not sent be taken away", async () => {
    const { outbox, store, now, calm } = desk(reply(413, { code: "text_too_long" }));
    outbox.say("long");
    await calm();
    outbox.discard(store.state.lines[0]?.clientId ?? "");
    expect(now()).toEqual([]);
  });
});
