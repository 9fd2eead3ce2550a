import type { Language } from "../shared/types";
import { bankShort } from "./names";
import type { Account } from "./sandbox";

/** Three sentences to click, about what this customer really has: a card that can be unbound, a renewal, and the list. */
export function samplesFor(account: Account | null, language: Language): string[] {
  const zh = language === "zh";
  const bound = account?.cards.filter((card) => card.state === "bound") ?? [];
  const owes = (tail: string) => account?.obligations.some((one) => one.card === tail) ?? false;
  const card = account ? (bound.find((one) => !one.repayment && !owes(one.tail)) ?? bound[0]) : { bank: "cmb", tail: "1234" };
  const merchant = account?.agreements.find((one) => one.state === "active")?.merchant ?? (zh ? "爱奇艺" : "Netflix");
  const bank = bankShort(card?.bank ?? "cmb", language);
  const first = card ? (zh ? `帮我解绑尾号${card.tail}的${bank}卡` : `Unbind my ${bank} card ending ${card.tail}`) : zh ? `我想绑定一张${bank}卡` : `I'd like to add a ${bank} card`;
  return [first, zh ? `解绑了${merchant}的自动续费会停吗？` : `Will my ${merchant} renewal stop if I unbind?`, zh ? "看看我都绑了什么" : "What's on my account?"];
}
