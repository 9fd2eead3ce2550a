import { Problem, problemOf } from "../shared/api";
import type {
  Agent, Answer, Assist, AuditLine, Call, Canned, CannedList, Chat, Customer, Label, Language, Line, Me, Message, Page, Pair, Presence, Report, ReviewItem,
  ReviewStats, Row, SignInWays, Worked,
} from "./types";

export { Problem };

const ROOT = "/api/desk/v1";
let csrf = "";
let lost: () => void = () => {};

/** Calls `then` whenever an answer says that nobody is signed in any more. */
export function onSignedOut(then: () => void): void {
  lost = then;
}

/** A problem with the fields that came with its code (`agent`, `attempts_left`, `blockers` …). */
export class DeskProblem extends Problem {
  constructor(
    base: Problem,
    readonly more: Record<string, unknown>,
  ) {
    super(base.code, base.status, base.sentences, base.retryAfter);
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  let answer: Response;
  try {
    answer = await fetch(ROOT + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(20_000) });
  } catch {
    throw new Problem("network", 0);
  }
  const found: unknown = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return found as T;
  const problem = problemOf(found, answer.status, Number(answer.headers.get("Retry-After")) || 0);
  if (answer.status === 401 && path !== "/session") lost();
  throw new DeskProblem(problem, (found ?? {}) as Record<string, unknown>);
}

/** Writes what is set as a query string: `?state=mine`, or nothing. */
export function query(values: Record<string, string | number | null | undefined>): string {
  const set = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return set.length ? "?" + new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString() : "";
}

const get = <T>(path: string) => call<T>("GET", path);
const post = <T>(path: string, body: unknown = {}) => call<T>("POST", path, body);

/** Makes the id by which a repeated request counts once. */
export const clientId = (): string => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;

const signedIn = (me: Me): Me => {
  csrf = me.csrf;
  return me;
};

/** Where an operation or a customer belongs to: a chat or a call. */
export interface Base {
  kind: "chat" | "call";
  id: string;
}
const at = (base: Base) => `/${base.kind === "chat" ? "conversations" : "calls"}/${base.id}`;

export type Queue = "queue" | "mine" | "all";

export const api = {
  ways: () => get<SignInWays>("/sign-in"),
  me: () => get<Me>("/session").then(signedIn),
  signIn: (username: string, password: string) => post<Me>("/session", { username, password }).then(signedIn),
  signOut: () => call<null>("DELETE", "/session"),
  presence: (status: Presence) => call<{ status: Presence }>("PUT", "/presence", { status }),
  agents: () => get<{ items: Agent[] }>("/agents").then((found) => found.items),
  setLanguages: (username: string, languages: Language[]) => call<Agent>("PUT", `/agents/${encodeURIComponent(username)}`, { languages }),

  rows: (state: Queue, cursor?: string) => get<Page<Row>>(`/conversations${query({ state, limit: 100, cursor })}`),
  next: () => post<Row>("/queue/next"),
  chat: (id: string, before?: string) => get<Chat>(`/conversations/${id}${query({ before, limit: 100 })}`),
  take: (id: string) => post<Row>(`/conversations/${id}/take`),
  say: (id: string, body: { text: string; client_id: string; suggestion?: { message: string; label: string; text: string }; sure?: boolean }) => post<Message>(`/conversations/${id}/messages`, body),
  typing: (id: string, typing: boolean) => post<null>(`/conversations/${id}/typing`, { typing }),
  seen: (id: string, message: string) => post<null>(`/conversations/${id}/seen`, { message }),
  transfer: (id: string, body: { to: string; language?: Language; note?: string }) => post<Row>(`/conversations/${id}/transfer`, body),
  handBack: (id: string) => post<{ mode: string }>(`/conversations/${id}/hand-back`),
  close: (id: string, wrapUp: string, summary: string) => post<{ mode: string }>(`/conversations/${id}/close`, { wrap_up: wrapUp, summary: summary || undefined }),

  calls: (state: "mine" | "open" | "all", cursor?: string) => get<Page<Call>>(`/calls${query({ state, cursor })}`),
  call: (id: string) => get<Call>(`/calls/${id}`),
  ring: (phone: string, language: Language) => post<Call>("/calls", { phone, language }),
  identify: (id: string) => post<Call>(`/calls/${id}/challenge`),
  verifyCaller: (id: string, body: { code: string } | { line: string }) => post<Call>(`/calls/${id}/verify`, body),
  line: (id: string, speaker: "caller" | "agent", text: string, client_id: string) => post<{ line: Line; assist: Assist | null }>(`/calls/${id}/transcript`, { speaker, text, client_id }),
  verifyOperation: (id: string, operation: string, effects_version: string, body: { code: string } | { line: string }) => post<Worked>(`/calls/${id}/operations/${operation}/verify`, { ...body, effects_version, client_id: clientId() }),
  feed: (id: string) => post<{ token: string; expires_in: number; url: string; socket: string }>(`/calls/${id}/feed`),
  end: (id: string, wrapUp: string, summary: string) => post<Call>(`/calls/${id}/end`, { wrap_up: wrapUp, summary: summary || undefined }),

  note: (base: Base, text: string) => post<{ id: string }>(`${at(base)}/notes`, { text }),
  summary: (base: Base) => get<{ text: Pair; wrap_up: string | null }>(`${at(base)}/summary`),
  customer: (base: Base) => get<Customer>(`${at(base)}/customer`),
  assist: (base: Base, message?: string) => get<Assist>(`${at(base)}/assist${query(base.kind === "chat" ? { message } : { line: message })}`),
  judge: (base: Base, body: { message: string; label: string; outcome: "dismissed" | "wrong" | "right" | "sent" | "edited"; right?: string }) => post<null>(`${at(base)}/assist/feedback`, body),
  begin: (base: Base, kind: string, target: string, client_id: string) => post<Worked>(`${at(base)}/operations`, { kind, target, client_id }),
  confirm: (base: Base, operation: string, effects_version: string) => post<Worked>(`${at(base)}/operations/${operation}/confirm`, { effects_version, client_id: clientId() }),
  cancel: (base: Base, operation: string) => post<Worked>(`${at(base)}/operations/${operation}/cancel`, { client_id: clientId() }),
  operation: (base: Base, operation: string) => get<Worked>(`${at(base)}/operations/${operation}`),
  answers: (text: string, language: Language) => get<{ items: Answer[] }>(`/answers${query({ query: text, language })}`).then((found) => found.items),
  labels: () => get<{ items: Label[] }>("/labels").then((found) => found.items),

  canned: (base?: Base) => get<CannedList>(`/canned${base ? query({ [base.kind === "chat" ? "conversation" : "call"]: base.id }) : ""}`),
  saveCanned: (id: string | null, body: Pick<Canned, "topic" | "title" | "texts"> & { name?: string }) => (id ? call<Canned>("PUT", `/canned/${id}`, body) : post<Canned>("/canned", body)),
  dropCanned: (id: string) => call<null>("DELETE", `/canned/${id}`),

  review: (values: { state: "open" | "done"; reason?: string; language?: string; cursor?: string }) => get<Page<ReviewItem> & { counts: { open: number; done: number; waiting_export: number } }>(`/review${query({ ...values, limit: 50 })}`),
  decide: (id: string, label: string, note?: string) => post<ReviewItem>(`/review/${id}`, { label, note }),
  reviewStats: (days: number) => get<ReviewStats>(`/review/stats${query({ days })}`),
  report: (values: Record<string, string | undefined>) => get<Report>(`/reports${query(values)}`),
  reportCsv: (values: Record<string, string | undefined>) => `${ROOT}/reports.csv${query(values)}`,
  audit: (values: { conversation_id?: string; agent?: string; action?: string; before?: number }) => get<{ items: AuditLine[]; broken_at: number | null }>(`/audit${query(values)}`),
  stream: (after: string | null) => `${ROOT}/stream${query({ after })}`,
};
