import { describe, expect, it } from "vitest";
import type { Account } from "./sandbox";
import { samplesFor } from "./samples";

const card = (bank: string, tail: string, more = {}) => ({ id: tail, bank, tail, type: "debit" as const, quick_pay: true, repayment: false, state: "bound", ...more });
const account = (more: Partial<Account>): Account => ({ account: "a", phone: "", language: "zh", cards: [], wallets: [], agreements: [], obligations: [], operations: [], ...more });

describe("samples", () => {
  it("speak of the first card that nothing stands in the way of", () => {
    const one = account({ cards: [card("icbc", "5678"), card("abc", "4321", { repayment: true }), card("ccb", "9012")], obligations: [{ id: "o", kind: "debt", card: "5678", amount: 1, currency: "CNY" }] });
    expect(samplesFor(one, "zh")[0]).toBe("帮我解绑尾号9012的建行卡");
    expect(samplesFor(one, "en")[0]).toBe("Unbind my CCB card ending 9012");
  });

  it("speak of a renewal that is there, and of a new card when there is none left", () => {
    const agreement = { id: "g", merchant: "腾讯视频", card: null, kind: "auto_renew", amount: 1, currency: "CNY", state: "active" };
    expect(samplesFor(account({ agreements: [agreement] }), "zh")).toEqual(["我想绑定一张招行卡", "解绑了腾讯视频的自动续费会停吗？", "看看我都绑了什么"]);
    expect(samplesFor(null, "en")).toEqual(["Unbind my CMB card ending 1234", "Will my Netflix renewal stop if I unbind?", "What's on my account?"]);
  });
});
