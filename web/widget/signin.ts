import { call, Problem } from "../shared/api";
import type { Answer, Message } from "../shared/types";
import type { Session } from "./session";
import type { Store } from "./state";
import { subjectOf } from "./storage";

/** Where customer tokens come from: the host page. `asked`: the customer pressed "sign in", so the page may show its sign-in. */
export type TokenSource = (asked: boolean) => Promise<string | null>;

/** What a sign-in does to the conversation around it. */
export interface Signing {
  listen(): void;
  hush(): void;
  replies(messages: Message[]): void;
  /** Begins a conversation for whoever the token is of. */
  open(token: string): Promise<void>;
  restart(): void;
  busy(): boolean;
}

/** Whose conversation it is: turns an anonymous one into an account's, and shows the gateway new tokens of the same account. */
export class SignIn {
  private renewing: Promise<boolean> | null = null;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
    private readonly tokens: TokenSource,
    private readonly talk: Signing,
  ) {}

  /** Shows the gateway a new customer token of the same account; tells whether it took it. */
  renew(asked: boolean): Promise<boolean> {
    this.renewing ??= this.renewOnce(asked).finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  private async renewOnce(asked: boolean): Promise<boolean> {
    const token = await this.tokens(asked);
    const { kept } = this.session;
    if (!token || !kept) return false;
    if (kept.sub !== null && subjectOf(token) !== kept.sub) {
      this.session.drop();
      await this.talk.open(token);
      this.store.set({ notice: this.store.words.faults.conversation_of_another_account ?? null });
      return false;
    }
    try {
      await call("POST", `/api/v1/conversations/${kept.id}/refresh`, { token: kept.token, body: { customer_token: token } });
      this.store.set({ signInNeeded: false, notice: null });
      return true;
    } catch {
      return false;
    }
  }

  /** Renews without a word where the page still has a token; else the customer is asked to sign in. */
  async ranOut(): Promise<void> {
    if (await this.renew(false)) this.talk.listen();
    else this.need();
  }

  /** Says that nothing goes on before the customer signs in again. */
  need(): void {
    this.store.set({ signInNeeded: true, notice: this.store.words.signInNow });
  }

  /** Asks the host page to sign the customer in, and goes on with what was asked for. */
  async ask(): Promise<void> {
    this.store.set({ signingIn: true, notice: null });
    try {
      if (this.session.kept?.sub) {
        if (await this.renew(true)) this.talk.listen();
        else if (this.store.state.signInNeeded) this.store.set({ notice: this.store.words.signInHere });
        return;
      }
      const token = await this.tokens(true);
      if (!token) this.store.set({ notice: this.store.words.signInHere });
      else await this.present(token);
    } catch (error) {
      const told = error instanceof Problem ? error.sentence(this.store.state.language) : undefined;
      this.store.set({ notice: told ?? this.store.words.signInFailed });
    } finally {
      this.store.set({ signingIn: false });
    }
  }

  /** The host page has a customer token: this customer's, another's, or nobody's any more. */
  async told(token: string | null): Promise<void> {
    if (this.store.state.phase === "idle" || this.talk.busy()) return;
    const sub = subjectOf(token);
    const { kept } = this.session;
    if (kept && kept.sub === sub) {
      if (token && this.store.state.signInNeeded && (await this.renew(false))) this.talk.listen();
      return;
    }
    if (kept && kept.sub === null && token) return this.present(token);
    this.talk.restart();
  }

  /** Makes the anonymous conversation the account's. */
  async present(token: string): Promise<void> {
    const { kept } = this.session;
    if (!kept) return;
    // The old bearer dies in the sign-in; its stream must not take that for the end of the talk.
    this.talk.hush();
    try {
      const done = await call<{ token: string } & Partial<Answer>>("POST", `/api/v1/conversations/${kept.id}/sign-in`, { token: kept.token, body: { customer_token: token } });
      this.session.change({ token: done.token, sub: subjectOf(token) });
      this.store.set({ signedIn: true, signInNeeded: false, notice: null });
      this.talk.replies(done.replies ?? []);
      this.talk.listen();
    } catch (error) {
      if (error instanceof Problem && error.code === "conversation_of_another_account") return this.talk.restart();
      this.talk.listen();
      throw error;
    }
  }
}
