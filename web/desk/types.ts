/** What `/api/desk/v1` sends, as docs/desk.md has it. Fields may be added there, never taken away. */
import type { Language, Mode } from "../shared/types";

export type { Language, Mode };
export type Pair = Record<Language, string>;
export type Role = "agent" | "supervisor";
export type Presence = "available" | "away" | "offline";

export interface Me {
  agent: { username: string; name: string; name_en?: string | null; role: Role; languages?: Language[]; status?: Presence };
  csrf: string;
}

export interface SignInWays {
  password: boolean;
  oidc: { name: string; url: string } | null;
  sandbox: boolean;
}

export interface Agent {
  username: string;
  name: string;
  role: Role;
  languages: Language[];
  status: Presence;
  talks: number;
  calls: number;
}

export interface Sla {
  first_response_due_at: string;
  responded_at: string | null;
  next_response_due_at: string | null;
  breached: boolean;
}

export interface Ticket {
  id: string;
  reason: string;
  intent: string | null;
  intent_title?: Pair | null;
  operation_id: string | null;
  summary: string | null;
  priority: "normal" | "high";
  language?: Language;
  since: string;
  taken_by: string | null;
  taken_at?: string | null;
  position: number | null;
  out_of_hours?: boolean;
  sla?: Sla;
}

export interface Row {
  id: string;
  mode: Mode;
  agent: string | null;
  agent_name?: string | null;
  language: Language;
  channel: string;
  signed_in: boolean;
  updated_at: string;
  customer_at: string | null;
  unanswered?: number;
  last: { author: Author; agent?: string | null; text: string; at: string } | null;
  ticket: Ticket | null;
}

export type Author = "customer" | "bot" | "agent" | "system" | "note";

export interface Ranked {
  name: string;
  title?: Pair | null;
  confidence: number;
}

export interface Parse {
  intent: string | null;
  confidence: number | null;
  ranking?: Ranked[] | null;
  language?: Language | null;
  title?: Pair | null;
}

export interface Message {
  id: string;
  author: Author;
  agent?: string | null;
  text: string;
  buttons: { title: string }[];
  card?: { type: string; status?: string; target?: string; kind?: string } | null;
  at: string;
  parse?: Parse;
  delivery?: "waiting" | "sent" | "failed";
  delivery_failed?: string;
  seen?: boolean;
}

export interface Chat extends Row {
  messages: Message[];
  has_more: boolean;
  wrap_ups: string[];
  wrap_up_suggested: string | null;
  last_intent: string | null;
  customer_typing: boolean;
  customer_online: boolean | null;
  /** Why it is here, what is wanted and what is open. */
  brief?: Pair | null;
  /** How many messages the customer's app still takes until they write again. */
  window?: { left: number; until: string } | null;
}

export interface Step {
  name: string;
  title: Pair;
  state: "done" | "current" | "todo" | "failed";
}

/** Without an operation (`operation_id` null) the steps only say how far the call is. */
export interface Guide {
  operation_id: string | null;
  kind: string | null;
  title: Pair;
  target: Pair | null;
  status: string | null;
  steps: Step[];
  next: Pair;
  say: Pair | null;
  effects: { code: string; title: Pair }[];
}

export interface Answer {
  label: string;
  title: Pair;
  text: string;
  texts: Pair;
  confidence?: number;
}

export interface Prompt {
  name: string;
  level: "must" | "tip";
  text: Pair;
}

export interface Start {
  kind: string;
  target: string;
  title: Pair;
}

export interface Assist {
  message: string | null;
  language: Language;
  understood: boolean;
  intent: Ranked | null;
  ranking: Ranked[];
  entities: { entity: string; value: string; title: Pair }[];
  suggestions: Answer[];
  related: Answer[];
  start: Start[];
  guide: Guide | null;
  translation: { language: Language; text: string; exact: boolean } | null;
  mood: { name: "neutral" | "angry" | "worried" | "thankful"; title: Pair; words: string[] };
  prompts: Prompt[];
}

export interface CardObject {
  id: string;
  bank: string;
  type: string;
  tail: string;
  quick_pay: boolean;
  repayment: boolean;
  state: string;
  bound_at: string | null;
}

export interface WalletObject {
  id: string;
  kind: string;
  state: string;
  account_masked?: string | null;
  bound_at: string | null;
}

export interface Agreement {
  id: string;
  merchant: string;
  kind: string;
  card_id: string | null;
  amount: number | null;
  currency: string;
  next_charge_at: string | null;
  state: string;
}

export interface Obligation {
  id: string;
  kind: "debt" | "open_order" | "refund";
  card_id: string | null;
  amount: number;
  currency: string;
  state: string;
}

export interface Operation {
  id: string;
  kind: string;
  status: string;
  target: string;
  target_summary: { type: string; bank?: string; tail?: string; card_type?: string; kind?: string; merchant?: string; count?: number } | null;
  reason_code: string | null;
  reference: string | null;
  effects_version: string;
  challenge: { expires_at?: string; resend_at?: string; attempts_left?: number; destination?: string } | null;
  attempts_left?: number | null;
  created_at: string;
  updated_at: string;
  finished_at: string | null;
  guide?: Guide | null;
  timeline?: { name: string; at: string; status?: string }[];
}

export interface Earlier {
  id: string;
  kind: "chat" | "call";
  channel: string | null;
  language: Language;
  at: string;
  reason: string | null;
  wrap_up: string | null;
  summary: string | null;
  intent: string | null;
  intent_title?: Pair | null;
}

export interface Customer {
  cards: CardObject[];
  wallets: WalletObject[];
  agreements: Agreement[];
  obligations: Obligation[];
  operations: Operation[];
  earlier?: Earlier[];
}

export interface Worked {
  operation: Operation;
  guide: Guide;
}

export interface Line {
  id: string;
  speaker: "caller" | "agent" | "system" | "note";
  text: string;
  at: string;
  has_code: boolean;
  parse?: Parse;
}

export interface Call {
  id: string;
  agent: string;
  agent_name: string;
  state: "open" | "verified" | "failed" | "ended";
  phone: string;
  language: Language;
  signed_in: boolean;
  started_at: string;
  verified_at: string | null;
  ended_at: string | null;
  updated_at: string;
  wrap_up: string | null;
  summary: string | null;
  challenge: { expires_at: string; resend_at: string; attempts_left: number } | null;
  guide: Guide | null;
  lines: Line[];
  wrap_ups: string[];
  prompts: Prompt[];
}

export interface Canned {
  id: string;
  name: string;
  topic: string;
  title: Pair;
  texts: Pair;
  variables: string[];
  updated_at: string;
  updated_by: string | null;
  rendered?: Pair | null;
  missing?: string[];
}

export interface CannedList {
  items: Canned[];
  variables: { name: string; title: Pair }[];
}

export interface Label {
  name: string;
  title: Pair;
  group: "operation" | "faq" | "safety" | "conversation";
}

export interface ReviewItem {
  id: string;
  text: string;
  language: Language;
  reason: string;
  understood: Ranked | null;
  ranking: Ranked[];
  proposed: string | null;
  conversation: string | null;
  at: string;
  decision: string | null;
  note: string | null;
  decided_by: string | null;
  decided_at: string | null;
  exported: boolean;
}

/** How many lines were reviewed, and how many of them had been understood right. */
export interface Reviewed {
  reviewed: number;
  right: number;
  accuracy: number | null;
}

export interface ReviewStats {
  days: ({ day: string; messages: number; sample: Reviewed; fallback_rate: number | null } & Reviewed)[];
  totals: Reviewed;
  sample: Reviewed;
  sample_percent: number;
  confusions: { understood: string; right: string; understood_title: Pair | null; right_title: Pair | null; count: number }[];
}

export interface Report {
  from: string;
  to: string;
  totals: Record<string, number | null>;
  days: ({ day: string } & Record<string, number | null>)[];
  channels: { channel: string; conversations: number; handoffs: number }[];
  languages: { language: Language; conversations: number; handoffs: number }[];
  reasons: { reason: string; count: number }[];
  wrap_ups: { wrap_up: string; count: number }[];
  questions: { label: string; title: Pair | null; count: number }[];
  unanswered: { text: string; language: Language; count: number }[];
  funnel: { kind: string; title: Pair; asked: number; confirmed: number; verified: number; done: number }[];
  suggestions: Record<string, number | null>;
  agents: { username: string; name: string; talks: number; calls: number; handle_seconds: number | null; first_response_seconds: number | null; satisfaction: number | null }[];
}

export interface AuditLine {
  number: number;
  at: string;
  agent: string;
  action: string;
  conversation: string | null;
  detail: Record<string, unknown>;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}
