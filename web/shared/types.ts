/** What the gateway sends, as docs/interfaces.md has it. */
export type Language = "zh" | "en";
export type Mode = "bot" | "queue" | "human";
export type Author = "customer" | "bot" | "agent" | "system";

/** A button: `token` is pressed, `url` is a page of ours, `action` is something the host page does. */
export interface Button {
  title: string;
  token?: string;
  url?: string;
  action?: string;
}

export type OperationStatus = "awaiting_verification" | "processing" | "pending" | "succeeded" | "failed" | "cancelled" | "expired" | "manual_review";

export interface OperationCard {
  type: "operation";
  id: string;
  kind: string;
  status: OperationStatus;
  target: string;
  reference?: string | null;
  reason?: string | null;
  effects?: { code: string; merchant?: string; count?: number; wallet?: string }[];
  eta?: string | null;
  at?: string | null;
}

export interface BindingsCard {
  type: "bindings";
  cards: { id: string; name: string; bank: string; tail: string; quick_pay: boolean; state: string }[];
  wallets: { id: string; name: string; kind: string; state: string }[];
}

/** On the message that asks for a one-time code. */
export interface CodeCard {
  type: "code";
  length?: number;
  destination?: string | null;
  expires_at?: string | null;
  resend_at?: string | null;
}

export type Card = OperationCard | BindingsCard | CodeCard | { type: "rating" } | { type: string };

export interface Message {
  id: string;
  author: Author;
  text: string;
  buttons: Button[];
  card?: Card;
  agent?: string;
  at: string;
}

/** The answer of `messages` and `press`; `id` is the customer's own message. */
export interface Answer {
  id: string;
  mode: Mode;
  language: Language;
  replies: Message[];
}
