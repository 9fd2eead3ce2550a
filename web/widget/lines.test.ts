import { describe, expect, it } from "vitest";
import type { Message } from "../shared/types";
import { fail, liveFrom, merge, settle, type Line } from "./lines";

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
});
