import { describe, expect, it } from "vitest";
import type { Message } from "../shared/types";
import { answerFrom, beginsAnew, fail, lastAgent, liveFrom, merge, newestWords, readLine, settle, type Line } from "./lines";

const said = (id: string, author: Message["author"], text = id): Message => ({ id, author, text, buttons: [], at: "2026-01-01T00:00:00Z" });
const sending = (clientId: string, text: string): Line => ({ ...said(clientId, "customer", text), key: clientId, clientId, state: "sending", send: { text } });
const shape = (lines: Line[]) => lines.map((line) => `${line.author}:${line.text}${line.state ? `(${line.state})` : ""}`);

describe("lines", () => {
  it("shows a message once, by whichever way it comes", () => {
    const once = merge([], [said("m1", "bot"), said("m2", "bot")]);
    expect(merge(once, [said("m2", "bot"), said("m1", "bot")])).toHaveLength(2);
  });

  it("takes the customer's own line from the stream for the one that is being sent, and hides what the gateway hid", () => {
    let lines = [sending("c1", "123456")];
    lines = merge(lines, [said("m5", "customer", "[code]"), said("m6", "bot", "done")]);
    expect(shape(lines)).toEqual(["customer:[code](sending)", "bot:done"]);
    lines = settle(lines, "c1", "m5", [said("m6", "bot", "done")]);
    expect(shape(lines)).toEqual(["customer:[code]", "bot:done"]);
    expect(lines[0]?.key).toBe("c1");
  });

  it("puts a greeting that was slower than the customer before the customer's line", () => {
    expect(shape(merge([sending("c1", "hi")], [said("m1", "bot", "hello")]))).toEqual(["bot:hello", "customer:hi(sending)"]);
  });

  it("gives a line of another tab back when the answer names another id", () => {
    let lines = merge([sending("c1", "mine")], [said("m7", "customer", "theirs")]);
    lines = settle(lines, "c1", "m8", [said("m9", "bot", "answer")]);
    expect(shape(lines)).toEqual(["customer:theirs", "customer:mine", "bot:answer"]);
  });

  it("keeps a line that was not sent, and takes it up again without a double", () => {
    let lines = merge([sending("c1", "x")], [said("m1", "customer", "x")]);
    lines = fail(lines, "c1", "no network");
    expect(merge(lines, [said("m1", "customer", "x")])).toHaveLength(1);
    expect(shape(settle(lines, "c1", "m1", []))).toEqual(["customer:x"]);
  });

  it("takes a line whose answer got lost for sent when the stream brings it, before or after the loss", () => {
    const before = fail(merge([sending("c1", "x")], [said("m1", "customer", "x"), said("m2", "bot", "answer")]), "c1", "no answer", true);
    expect(shape(before)).toEqual(["customer:x", "bot:answer"]);
    const after = merge(fail([sending("c1", "x")], "c1", "no answer", true), [said("m1", "customer", "x"), said("m2", "bot", "answer")]);
    expect(shape(after)).toEqual(["customer:x", "bot:answer"]);
    const code = merge(fail([sending("c1", "482913")], "c1", "no answer", true), [said("m1", "customer", "[code]")]);
    expect(shape(code)).toEqual(["customer:[code]"]);
    expect(shape(merge(fail([sending("c1", "x")], "c1", "refused"), [said("m1", "customer", "x")]))).toEqual(["customer:x(failed)", "customer:x"]);
    expect(shape(merge(fail([sending("c1", "x")], "c1", "no answer", true), [said("m1", "customer", "y")]))).toEqual(["customer:x(failed)", "customer:y"]);
  });

  it("joins a line that came by the stream only after its answer", () => {
    let lines = settle([sending("c1", "my code 123456")], "c1", "m1", []);
    lines = merge(lines, [said("m1", "customer", "my code [code]")]);
    expect(shape(lines)).toEqual(["customer:my code [code]"]);
  });

  it("counts buttons only after the customer's last line", () => {
    expect(liveFrom(merge([], [said("1", "bot"), said("2", "customer"), said("3", "bot")]))).toBe(2);
    expect(liveFrom([])).toBe(0);
    // Verified on the secure page: the button that led there leads nowhere any more.
    const operation = (id: string, status: "pending" | "awaiting_verification"): Message => ({ ...said(id, "bot"), card: { type: "operation", id: "op", kind: "card.unbind", target: "x", status } });
    expect(liveFrom(merge([], [said("1", "customer"), operation("2", "awaiting_verification"), said("3", "bot")]))).toBe(1);
    expect(liveFrom(merge([], [said("1", "customer"), said("2", "bot"), operation("3", "pending"), said("4", "bot")]))).toBe(2);
  });

  it("finds the line that a person has read, also while its sending is not settled", () => {
    const lines = merge([said("m1", "customer"), sending("c1", "mine")] as Line[], [said("m2", "customer", "mine")]);
    expect(readLine(lines, "m1")?.id).toBe("m1");
    expect(readLine(lines, "m2")?.clientId).toBe("c1");
    expect(readLine(lines, "m9")).toBeUndefined();
    expect(readLine(lines, null)).toBeUndefined();
  });

  it("names the person who answers now, not one who handed the talk back", () => {
    const by = (id: string, author: Message["author"], agent?: string): Message => ({ ...said(id, author), agent });
    expect(lastAgent(merge([], [by("1", "bot"), by("2", "agent", "Lin"), by("3", "customer"), by("4", "system")]))).toBe("Lin");
    expect(lastAgent(merge([], [by("1", "agent", "Lin"), by("2", "bot")]))).toBe("");
    expect(lastAgent(merge([], [by("1", "agent", "Lin"), by("2", "system", "Wang")]))).toBe("Wang"); // passed on to a colleague
    expect(lastAgent([])).toBe("");
  });

  it("finds where the newest answer begins: what came in one turn, and not what was said before", () => {
    const at = (id: string, author: Message["author"], time: string): Message => ({ ...said(id, author), at: `2026-01-01T${time}Z` });
    const talk = [at("1", "bot", "10:00:00"), at("2", "customer", "10:01:00"), at("3", "bot", "10:01:01"), at("4", "bot", "10:01:01")];
    expect(answerFrom(merge([], talk))?.id).toBe("3");
    expect(answerFrom(merge([], [...talk, at("5", "bot", "10:03:00")]))?.id).toBe("5"); // the bank's end, later
    expect(answerFrom(merge([], talk.slice(0, 2)))).toBeUndefined();
    expect(answerFrom([])).toBeUndefined();
  });

  it("says again who and when after a pause", () => {
    const [bot, soon, later, agent] = merge([], [said("1", "bot"), said("2", "bot"), { ...said("3", "bot"), at: "2026-01-01T00:10:01Z" }, { ...said("4", "agent"), at: "2026-01-01T00:10:02Z" }]);
    expect(beginsAnew(undefined, bot as Line)).toBe(true);
    expect(beginsAnew(bot, soon as Line)).toBe(false);
    expect(beginsAnew(soon, later as Line)).toBe(true);
    expect(beginsAnew(later, agent as Line)).toBe(true);
  });

  it("knows the newest word on each request, and that one which was put aside for another waits no more", () => {
    const about = (id: string, operation: string, status: "pending" | "awaiting_verification" | "succeeded"): Message => ({ ...said(id, "bot"), card: { type: "operation", id: operation, kind: "card.unbind", target: "x", status } });
    const talk = [about("1", "a", "awaiting_verification"), about("2", "a", "pending"), about("3", "b", "awaiting_verification")];
    expect([...newestWords(merge([], talk))].sort()).toEqual(["2", "3"]);
    expect([...newestWords(merge([], [...talk, about("4", "c", "awaiting_verification"), about("5", "a", "succeeded")]))].sort()).toEqual(["4", "5"]);
  });
});
