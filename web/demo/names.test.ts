import { describe, expect, it } from "vitest";
import { targetName } from "./names";
import { WORDS } from "./words";

describe("a request's target", () => {
  const zh = (kind: string, target: string) => targetName(kind, target, "zh", WORDS.zh);

  it("is what the kind of the request says it is", () => {
    expect(zh("card.unbind", "1234")).toBe("尾号 1234");
    expect(zh("card.bind", "cmb")).toBe("招商银行");
    expect(zh("quick_pay.disable", "all")).toBe("全部银行卡");
    expect(zh("wallet.unbind", "alipay")).toBe("支付宝");
    expect(targetName("wallet.bind", "wechat_pay", "en", WORDS.en)).toBe("WeChat Pay");
  });

  it("is never taken for something else that is named alike", () => {
    expect(zh("agreement.terminate", "boc")).toBe("boc"); // a merchant
    expect(zh("agreement.terminate", "1234")).toBe("1234");
    expect(zh("wallet.unbind", "cmb")).toBe("cmb");
  });
});
