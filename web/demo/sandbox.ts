import { call } from "../shared/api";
import type { Language } from "../shared/types";

/** The sandbox of the gateway: customers to order, their true state, their phones and the bank's mood. */
export interface Account {
  account: string;
  phone: string;
  language: Language;
  cards: { id: string; bank: string; tail: string; type: "debit" | "credit"; quick_pay: boolean; repayment: boolean; state: string }[];
  wallets: string[];
  agreements: { id: string; merchant: string; card: string | null; kind: string; amount: number; currency: string; state: string }[];
  obligations: { id: string; kind: string; card: string | null; amount: number; currency: string }[];
  operations: { id: string; kind: string; target: string; status: string; reference: string }[];
}

export interface PhoneMessage {
  id?: string;
  kind: "sms" | "push";
  text: string;
  code?: string;
  at: string;
}

export const MODES = ["ok", "slow", "pending", "reject", "down", "lost_reply"] as const;
export type BankMode = (typeof MODES)[number];

export const login = async (account: string): Promise<string> => (await call<{ token: string }>("POST", "/sandbox/login", { body: { account } })).token;
export const account = (id: string): Promise<Account> => call("GET", `/sandbox/accounts/${encodeURIComponent(id)}`);
export const phone = async (id: string): Promise<PhoneMessage[]> => (await call<{ messages: PhoneMessage[] }>("GET", `/sandbox/phones/${encodeURIComponent(id)}`)).messages;
export const setBank = (mode: BankMode): Promise<unknown> => call("PUT", "/sandbox/bank", { body: { mode } });
export const settleBank = (): Promise<unknown> => call("POST", "/sandbox/bank/settle");

/** Makes a customer with a full account: what can be unbound, what stands in the way, and a renewal that would stop. */
export async function freshCustomer(language: Language): Promise<string> {
  const body = {
    language,
    cards: [
      { bank: "cmb", tail: "1234", type: "debit" },
      { bank: "icbc", tail: "5678", type: "credit" },
      { bank: "ccb", tail: "9012", type: "debit", quick_pay: false },
    ],
    wallets: language === "zh" ? ["alipay", "wechat_pay"] : ["alipay", "apple_pay"],
    agreements: [{ merchant: language === "zh" ? "爱奇艺" : "Netflix", card: "1234", amount: language === "zh" ? 2500 : 6800 }],
    obligations: [{ kind: "debt", card: "5678", amount: 128000 }],
  };
  return (await call<{ account: string }>("POST", "/sandbox/accounts", { body })).account;
}
