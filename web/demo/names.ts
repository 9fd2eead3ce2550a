import type { Language } from "../shared/types";

/** What the shop calls banks and wallets. */
const BANKS: Record<string, [string, string]> = {
  cmb: ["招商银行", "China Merchants Bank"],
  icbc: ["工商银行", "ICBC"],
  ccb: ["建设银行", "China Construction Bank"],
  abc: ["农业银行", "Agricultural Bank of China"],
  boc: ["中国银行", "Bank of China"],
  bocom: ["交通银行", "Bank of Communications"],
  psbc: ["邮储银行", "Postal Savings Bank"],
  citic: ["中信银行", "China CITIC Bank"],
  ceb: ["光大银行", "China Everbright Bank"],
  cmbc: ["民生银行", "China Minsheng Bank"],
  cib: ["兴业银行", "Industrial Bank"],
  spdb: ["浦发银行", "SPD Bank"],
  pab: ["平安银行", "Ping An Bank"],
  gdb: ["广发银行", "China Guangfa Bank"],
  hxb: ["华夏银行", "Hua Xia Bank"],
};
/** As people say it. */
const SHORT: Record<string, [string, string]> = {
  cmb: ["招行", "CMB"],
  icbc: ["工行", "ICBC"],
  ccb: ["建行", "CCB"],
  abc: ["农行", "ABC"],
  boc: ["中行", "Bank of China"],
  bocom: ["交行", "Bank of Communications"],
  psbc: ["邮储", "PSBC"],
  citic: ["中信", "CITIC"],
  ceb: ["光大", "Everbright"],
  cmbc: ["民生", "Minsheng"],
  cib: ["兴业", "Industrial Bank"],
  spdb: ["浦发", "SPD Bank"],
  pab: ["平安", "Ping An"],
  gdb: ["广发", "Guangfa"],
  hxb: ["华夏", "Hua Xia"],
};
const WALLETS: Record<string, [string, string]> = {
  alipay: ["支付宝", "Alipay"],
  wechat_pay: ["微信支付", "WeChat Pay"],
  unionpay_quickpass: ["云闪付", "UnionPay QuickPass"],
  apple_pay: ["Apple Pay", "Apple Pay"],
  ecny: ["数字人民币", "e-CNY"],
  huawei_pay: ["华为支付", "Huawei Pay"],
};

const name = (table: Record<string, [string, string]>, id: string, language: Language) => table[id]?.[language === "zh" ? 0 : 1] ?? id;
export const bankName = (id: string, language: Language): string => name(BANKS, id, language);
export const bankShort = (id: string, language: Language): string => name(SHORT, id, language);
export const walletName = (id: string, language: Language): string => name(WALLETS, id, language);

/** Returns a request's card, bank, wallet or merchant as the page names it; `kind` says which of them the target is. */
export function targetName(kind: string, target: string, language: Language, words: { allCards: string; ending: (tail: string) => string }): string {
  if (kind.startsWith("wallet.")) return walletName(target, language);
  if (kind === "agreement.terminate") return target;
  if (target === "all") return words.allCards;
  return /^\d{4}$/.test(target) ? words.ending(target) : bankName(target, language);
}

/** Returns an amount in minor units as money: ¥25.00. */
export function money(amount: number, currency: string): string {
  return new Intl.NumberFormat("zh-CN", { style: "currency", currency: currency || "CNY" }).format(amount / 100);
}

export const maskPhone = (phone: string): string => phone.replace(/^(\d{3})\d{4}(\d{4})$/, "$1 **** $2");
