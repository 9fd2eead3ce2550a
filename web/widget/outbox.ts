import { call, Problem } from "../shared/api";
import type { Answer } from "../shared/types";
import { fail, type Line } from "./lines";
import type { Session } from "./session";
import type { Store } from "./state";

type Send = { text: string } | { token: string };

/** What the outbox needs of the conversation. */
export interface Sending {
  start(): Promise<void>;
  renew(): Promise<boolean>;
  signInNeeded(): void;
  answered(clientId: string, answer: Answer): void;
}

const RETRIES_MS = [700, 2_000];
const TIMEOUT_MS = 45_000;
/** No answer at all: the gateway may have the line. */
const LOST = ["network", "timeout"];

/** What the customer says, on its way: one at a time, in order, tried again, and kept when it could not be sent. */
export class Outbox {
  private sending: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly session: Session,
    private readonly talk: Sending,
  ) {}

  say(text: string): void {
    const words = text.trim();
    if (words) this.add({ text: words }, words);
  }

  press(token: string, title: string): void {
    if (!this.store.state.busy) this.add({ token }, title);
  }

  resend(clientId: string): void {
    const { lines } = this.store.state;
    const line = lines.find((one) => one.clientId === clientId && one.state === "failed");
    if (!line?.send) return;
    this.store.set({ lines: lines.map((one) => (one === line ? { ...one, state: "sending", fault: undefined } : one)) });
    this.enqueue(clientId, line.send);
  }

  discard(clientId: string): void {
    this.store.set({ lines: this.store.state.lines.filter((line) => line.clientId !== clientId || line.state !== "failed") });
  }

  private add(send: Send, text: string): void {
    const clientId = `w_${crypto.randomUUID?.() ?? Math.random().toString(36).slice(2) + Date.now().toString(36)}`;
    const line: Line = { id: clientId, key: clientId, clientId, author: "customer", text, buttons: [], at: new Date().toISOString(), state: "sending", send };
    this.store.set({ lines: [...this.store.state.lines, line], notice: null, firstUnread: null });
    this.enqueue(clientId, send);
  }

  private enqueue(clientId: string, send: Send): void {
    this.store.set({ busy: true });
    this.sending = this.sending.then(() => this.deliver(clientId, send)).then(() => {
      this.store.set({ busy: this.store.state.lines.some((line) => line.state === "sending") });
    });
  }

  /** Delivers one line. The same client id makes a repetition harmless. */
  private async deliver(clientId: string, send: Send): Promise<void> {
    const isPress = "token" in send;
    for (let attempt = 0; ; attempt += 1) {
      if (!this.session.kept) await this.talk.start();
      const { kept } = this.session;
      if (!kept) return this.store.set({ lines: fail(this.store.state.lines, clientId, this.store.words.faults.network ?? "") });
      try {
        const path = `/api/v1/conversations/${kept.id}/${isPress ? "press" : "messages"}`;
        this.talk.answered(clientId, await call<Answer>("POST", path, { token: kept.token, body: { ...send, client_id: clientId }, timeout: TIMEOUT_MS }));
        return;
      } catch (error) {
        const problem = error instanceof Problem ? error : new Problem("other", 0);
        const wait = RETRIES_MS[attempt];
        // A silence of this length is waited for once more, not twice.
        const again = problem.code === "network" || (problem.code === "timeout" && attempt === 0);
        if (again && wait !== undefined && navigator.onLine) {
          await new Promise((resolve) => setTimeout(resolve, wait));
          continue;
        }
        if (problem.code === "sign_in_again" && attempt < 2 && (await this.talk.renew())) continue;
        return this.undelivered(clientId, problem, isPress);
      }
    }
  }

  private undelivered(clientId: string, problem: Problem, isPress: boolean): void {
    const why = this.store.sentence(problem);
    const { lines } = this.store.state;
    if (problem.code === "sign_in_again") this.talk.signInNeeded();
    if (isPress && problem.code === "button_expired") this.store.set({ lines: lines.filter((line) => line.clientId !== clientId), notice: why });
    else this.store.set({ lines: fail(lines, clientId, why, LOST.includes(problem.code)), typing: false });
  }
}
