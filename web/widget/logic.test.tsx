import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";
import { Problem, problemOf } from "../shared/api";
import { languageOf, pickLanguage } from "../shared/language";
import { asksForCode, codeIn, codeTyped, unmask, waitsForCode } from "./codes";
import { blocksOf, Markdown, safeUrl } from "./markdown";
import { EventCutter } from "./sse";
import { forget, keep, load, subjectOf } from "./storage";
import { WORDS } from "./words";

const bot = (text: string, type?: string) => ({ author: "bot" as const, text, ...(type ? { card: { type } } : {}) });
const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />);

describe("codes", () => {
  it("knows when the assistant waits for a code", () => {
    for (const text of [
      "验证码已发到138****1234，5分钟内有效，请把6位数字发给我。别告诉其他任何人。", "请输入发到138****1234的6位验证码。",
      "I've texted a 6-digit code to 138****1234, valid for 5 minutes.", "Please type the six-digit code I sent to 138****1234.",
    ]) expect(asksForCode(bot(text)), text).toBe(true);
    for (const text of ["收不到验证码可能是信号问题。", "办好了：招行卡已解绑。", "Your code did not arrive? Check the phone."]) expect(asksForCode(bot(text)), text).toBe(false);
    expect(asksForCode(bot("…", "code"))).toBe(true);
    expect(asksForCode({ author: "customer", text: "6位验证码是什么" })).toBe(false);
    expect(asksForCode(undefined)).toBe(false);
  });

  it("waits for a code while the last answer asks for one, and while the code is on its way", () => {
    const mine = (text: string, state?: string) => ({ author: "customer" as const, text, state });
    const ask = bot("请查收短信。", "code");
    expect(waitsForCode([])).toBe(false);
    expect(waitsForCode([ask])).toBe(true);
    expect(waitsForCode([ask, bot("不方便收短信？可以改用支付密码。")])).toBe(true); // one of several answers carries the card
    expect(waitsForCode([ask, mine("482913", "sending")])).toBe(true);
    expect(waitsForCode([ask, mine("[code]", "sending")])).toBe(true);
    expect(waitsForCode([ask, mine("482913", "failed")])).toBe(true);
    expect(waitsForCode([ask, mine("续费会停吗", "sending")])).toBe(false);
    expect(waitsForCode([ask, mine("[code]"), bot("办好了：招行卡已解绑。")])).toBe(false);
    expect(waitsForCode([ask, mine("算了"), bot("好的，没有做任何改动。", "operation")])).toBe(false);
    expect(waitsForCode([bot("办好了，6位验证码已失效。", "operation")])).toBe(false); // a card says what a message is
    expect(waitsForCode([mine("[code]")])).toBe(false);
  });

  it("finds a pasted code, and only one of six digits", () => {
    expect(codeIn("您的验证码是 482913，5分钟内有效")).toBe("482913");
    expect(codeIn("４８２９１３")).toBe("482913");
    expect(codeIn("482 913")).toBe("482913");
    expect(codeIn("13800001234")).toBeNull();
    expect(codeIn("hello")).toBeNull();
  });

  it("leaves words that are written into the code's field as they are", () => {
    expect(codeTyped("4829")).toEqual({ code: "4829" });
    expect(codeTyped("４82 913")).toEqual({ code: "482913" });
    expect(codeTyped("【解绑】验证码482913，请勿告诉他人")).toEqual({ code: "482913" });
    expect(codeTyped("收不到")).toEqual({ words: "收不到" });
    expect(codeTyped("n")).toEqual({ words: "n" });
  });

  it("shows what the gateway hid as dots", () => {
    const words = { idNumber: "(id)", password: "(pw)" };
    expect(unmask("[code] [card ending 7890] [phone ending 34] [id number] [password]", words)).toBe("•••••• •••• 7890 •••••••34 (id) (pw)");
  });
});

describe("markdown", () => {
  it("draws paragraphs, lists, bold and code", () => {
    expect(html("Hello **you**\n`x`\n\n- a\n- b\n1. c")).toBe("<p>Hello <strong>you</strong><br/><code>x</code></p><ul><li>a</li><li>b</li></ul><ol start=\"1\"><li>c</li></ol>");
    expect(blocksOf("您已绑定：\n· 招行\n· 支付宝").map((block) => block.kind)).toEqual(["p", "ul"]);
  });

  it("never makes an element of what a message says", () => {
    expect(html("<img src=x onerror=alert(1)>")).toBe("<p>&lt;img src=x onerror=alert(1)&gt;</p>");
    expect(html("[x](javascript:alert(1))")).not.toContain("<a");
    expect(html("**<script>alert(1)</script>**")).toBe("<p><strong>&lt;script&gt;alert(1)&lt;/script&gt;</strong></p>");
  });

  it("follows web addresses only", () => {
    expect(safeUrl("https://example.com/a?b=1")).toBe("https://example.com/a?b=1");
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "https://user:pw@example.com/", "vbscript:x", "//example.com", "file:///etc/passwd"]) expect(safeUrl(bad), bad).toBeNull();
    expect(html("see https://example.com/a，thanks")).toContain('<a href="https://example.com/a" target="_blank" rel="noopener noreferrer nofollow">');
  });
});

describe("events", () => {
  it("cuts a stream wherever the network cut it", () => {
    const text = 'retry: 2000\n\nid: msg_1\nevent: message\ndata: {"a":\ndata: 1}\n\n: ping\n\nevent: mode\r\ndata: {}\r\n\r\n';
    for (const size of [1, 3, 7, 1000]) {
      const cutter = new EventCutter();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...cutter.push(text.slice(at, at + size)));
      expect(found).toEqual([{ event: "message", id: "msg_1", data: '{"a":\n1}' }, { event: "mode", data: "{}" }]);
    }
  });
});

describe("problems", () => {
  it("keeps the server's sentence, in the customer's language", () => {
    const found = problemOf({ code: "text_too_long", message: { zh: "太长", en: "too long" } }, 413);
    expect([found.code, found.sentence("zh"), found.sentence("en")]).toEqual(["text_too_long", "太长", "too long"]);
    expect(problemOf("<html>", 502).code).toBe("http_error");
    expect(new Problem("network", 0).sentence("zh")).toBeUndefined();
  });
});

describe("language", () => {
  it("follows the first tag that is ours", () => {
    expect(pickLanguage("zh-Hant-TW", "en")).toBe("zh");
    expect(pickLanguage(null, "en-GB")).toBe("en");
    expect(pickLanguage("auto", "fr-FR")).toBe("en");
    expect(pickLanguage()).toBe("zh");
    expect(languageOf("zhx")).toBeNull();
  });

  it("does not call a customer next in line whose place is not known", () => {
    expect([WORDS.zh.waiting(null), WORDS.en.waiting(null)]).toEqual(["正在排队等候人工客服", "In line for an agent"]);
    expect(WORDS.en.waiting(0)).toContain("next");
  });

  it("has every word in both languages", () => {
    const keys = (value: unknown, at = ""): string[] => (value && typeof value === "object" ? Object.entries(value).flatMap(([key, inner]) => keys(inner, `${at}.${key}`)) : [at]);
    expect(keys(WORDS.en)).toEqual(keys(WORDS.zh));
  });
});

describe("storage", () => {
  it("remembers this tab's conversation, and whose it is", () => {
    expect(load()).toBeNull();
    keep({ id: "conv_1", token: "jbc_1", sub: "demo-zh" });
    expect(load()).toMatchObject({ id: "conv_1", sub: "demo-zh" });
    sessionStorage.setItem("jiebang:conversation", "{broken");
    expect(load()).toBeNull();
    forget();
    expect(load()).toBeNull();
  });

  it("reads the account of a customer token without trusting it", () => {
    const token = `x.${btoa(JSON.stringify({ sub: "demo-zh" })).replace(/=/g, "")}.y`;
    expect(subjectOf(token)).toBe("demo-zh");
    for (const bad of [null, "", "x", "a.b.c", "x..y"]) expect(subjectOf(bad)).toBeNull();
  });
});
