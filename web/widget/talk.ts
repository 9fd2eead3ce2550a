import { call, Problem } from "../shared/api";
import type { Answer, Language, Message } from "../shared/types";
import { lastAgent, merge, settle, type Line } from "./lines";
import { Outbox } from "./outbox";
import { Presence } from "./presence";
import { Session } from "./session";
import { Signals } from "./signals";
import { SignIn, type TokenSource } from "./signin";
import { EMPTY, Store, type State } from "./state";
import { subjectOf, type Kept } from "./storage";
import { Stream } from "./stream";
import { Telling } from "./telling";
import { WORDS } from "./words";

interface Begun {
  id: string;
  token: string;
  signed_in: boolean;
}

/** One customer's conversation: begun, taken up again, listened to, ended; and all that can be done with it. Nothing here draws. */
export class Talk {
  private readonly store: Store;
  private readonly session = new Session();
  private readonly telling: Telling;
  private readonly presence: Presence;
  private readonly signals: Signals;
  private readonly signing: SignIn;
  private readonly outbox: Outbox;
  private stream: Stream | null = null;
  /** The last message that came, whichever way; what is asked for begins after it. */
  private last: string | undefined;
  private starting: Promise<void> | null = null;

  constructor(
    private readonly tokens: TokenSource,
    language: Language,
  ) {
    this.store = new Store(language);
    this.telling = new Telling(this.store, this.session);
    this.presence = new Presence(this.store, this.session, (message) => this.telling.seen(message));
    this.signals = new Signals(this.store, this.session);
    this.signing = new SignIn(this.store, this.session, tokens, {
      listen: () => this.listen(),
      hush: () => this.stream?.stop(),
      replies: (messages) => this.show(messages, merge(this.state.lines, messages)),
      open: (token) => this.open(token, subjectOf(token)),
      restart: () => this.restart(),
      busy: () => this.starting !== null,
    });
    this.outbox = new Outbox(this.store, this.session, {
      start: () => this.start(),
      renew: () => this.signing.renew(false),
      signInNeeded: () => this.signing.need(),
      answered: (clientId, answer) => this.answered(clientId, answer),
    });
  }

  get state(): State {
    return this.store.state;
  }

  get subscribe() {
    return this.store.subscribe;
  }

  get snapshot() {
    return this.store.snapshot;
  }

  /** Takes up this tab's conversation, or begins one. */
  start(): Promise<void> {
    this.starting ??= this.begin().finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  private async begin(): Promise<void> {
    this.store.set({ phase: "starting", notice: null });
    try {
      const token = await this.tokens(false);
      const sub = subjectOf(token);
      const kept = this.session.remembered();
      if (kept && kept.sub !== null && kept.sub !== sub) this.session.drop(); // someone else signed in, or this customer signed out
      else if (kept && (await this.resume(kept, token, sub))) return;
      await this.open(token, sub);
      if (kept && this.session.kept?.id !== kept.id && kept.sub === sub) this.store.set({ notice: this.store.words.fresh });
    } catch (error) {
      const told = error instanceof Problem ? error.sentence(this.state.language) : undefined;
      this.store.set({ phase: "failed", notice: told ?? this.store.words.startFailed });
    }
  }

  private async open(token: string | null, sub: string | null): Promise<void> {
    let begun: Begun;
    const body = { language: this.state.language };
    try {
      begun = await call<Begun>("POST", "/api/v1/conversations", { token, body });
    } catch (error) {
      // A token that is not good is no reason to keep the customer out: questions can be answered without.
      if (!(error instanceof Problem) || error.status !== 401 || !token) throw error;
      begun = await call<Begun>("POST", "/api/v1/conversations", { body });
    }
    this.adopt({ id: begun.id, token: begun.token, sub: begun.signed_in ? sub : null }, [], begun.signed_in);
    void this.greeted(begun);
  }

  /** Asks for the greeting at once; when it is not there yet, it comes by the stream. */
  private async greeted({ id, token }: Begun): Promise<void> {
    const found = await call<{ messages: Message[] }>("GET", `/api/v1/conversations/${id}/messages`, { token }).catch(() => null);
    if (found && this.session.kept?.id === id) this.arrived(found.messages);
  }

  /** Takes a kept conversation up; tells whether that worked. */
  private async resume(kept: Kept, token: string | null, sub: string | null): Promise<boolean> {
    const history = () => call<{ messages: Message[] }>("GET", `/api/v1/conversations/${kept.id}/messages`, { token: kept.token });
    try {
      let found: { messages: Message[] };
      try {
        found = await history();
      } catch (error) {
        if (!(error instanceof Problem) || error.code !== "sign_in_again" || !token) throw error;
        await call("POST", `/api/v1/conversations/${kept.id}/refresh`, { token: kept.token, body: { customer_token: token } });
        found = await history();
      }
      this.adopt(kept, found.messages, kept.sub !== null);
      if (kept.sub === null && token && sub) await this.signing.present(token);
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || (error.status !== 401 && error.status !== 404)) throw error;
      this.session.drop();
      return false;
    }
  }

  private adopt(kept: Kept, messages: Message[], signedIn: boolean): void {
    this.session.take(kept);
    this.last = messages[messages.length - 1]?.id;
    // Who was quicker than the connection keeps the line.
    const lines = [...merge([], messages), ...this.state.lines.filter((line) => line.state)];
    this.store.set({ phase: "ready", lines, signedIn, signInNeeded: false, rated: kept.rated ?? {}, agent: lastAgent(lines), read: null, unread: 0, firstUnread: null });
    this.presence.recall(lines);
    this.listen();
  }

  private listen(): void {
    this.stream?.stop();
    const { kept } = this.session;
    if (!kept) return;
    this.stream = new Stream(kept, () => this.last, {
      messages: (messages) => this.arrived(messages),
      mode: (mode, language) => this.signals.moved(mode, language),
      typing: (author, typing) => author !== "customer" && this.signals.types(typing),
      seen: (read) => read !== this.state.read && this.store.set({ read }),
      link: (link) => link !== this.state.link && this.store.set({ link }),
      closed: (code) => void this.closed(code),
    });
    this.stream.start();
  }

  private arrived(messages: Message[]): void {
    if (!messages.length) return;
    this.last = messages[messages.length - 1]?.id ?? this.last;
    this.show(messages, merge(this.state.lines, messages));
  }

  private answered(clientId: string, answer: Answer): void {
    this.show(answer.replies, settle(this.state.lines, clientId, answer.id, answer.replies));
    this.signals.moved(answer.mode, answer.language);
  }

  private show(messages: Message[], lines: Line[]): void {
    const known = new Set(this.state.lines.map((line) => line.id));
    const fresh = messages.filter((message) => !known.has(message.id));
    const spoken = fresh.some((message) => message.author !== "customer");
    // What the notice promised is here.
    const over = [this.store.words.secureOpened, this.store.words.secureDone].includes(this.state.notice ?? "");
    this.store.set({ lines, agent: lastAgent(lines), ...(spoken ? { typing: false, ...(over ? { notice: null } : {}) } : {}) });
    this.presence.came(fresh);
  }

  private async closed(code: string): Promise<void> {
    if (code === "sign_in_again") return this.signing.ranOut();
    // Another tab signed this conversation in, or it is gone: the gateway knows which.
    this.session.drop();
    await this.start();
  }

  /** Leaves this conversation and begins another. */
  restart(): void {
    this.stream?.stop();
    this.session.drop();
    this.signals.reset();
    this.last = undefined;
    this.store.set({ ...EMPTY });
    void this.start();
  }

  /** The customer types, or has emptied the field. */
  types(typing: boolean): void {
    this.telling.types(typing);
  }

  say(text: string): void {
    this.telling.sent();
    this.outbox.say(text);
  }

  press(token: string, title: string): void {
    this.outbox.press(token, title);
  }

  resend(clientId: string): void {
    this.outbox.resend(clientId);
  }

  discard(clientId: string): void {
    this.outbox.discard(clientId);
  }

  signIn(): Promise<void> {
    return this.signing.ask();
  }

  hostSigned(token: string | null): Promise<void> {
    return this.signing.told(token);
  }

  /** Tells whether the customer can see the talk now. */
  visible(seen: boolean): void {
    this.presence.visible(seen);
    if (seen) this.stream?.wake();
  }

  /** Keeps the customer's opinion, 1 to 5. */
  async rate(messageId: string, score: number): Promise<void> {
    const { kept } = this.session;
    if (!kept) return;
    await call("POST", `/api/v1/conversations/${kept.id}/feedback`, { token: kept.token, body: { score } });
    const rated = { ...this.state.rated, [messageId]: score };
    this.session.change({ rated });
    this.store.set({ rated });
  }

  /** The customer chose a language, or the page changed its own. */
  speak(language: Language, chosen: boolean): void {
    if (language === this.state.language) return;
    this.store.set({ language });
    if (this.state.phase !== "ready" || this.state.mode !== "bot") return;
    if (!this.state.lines.some((line) => line.author === "customer")) this.restart();
    else if (chosen) this.say(WORDS[language === "en" ? "zh" : "en"].askSwitch);
  }

  notice(text: string | null): void {
    this.store.set({ notice: text });
  }

  /** The bearer for the secure page that this conversation opened. */
  bearer(): string | null {
    return this.session.kept?.token ?? null;
  }

  wake(): void {
    this.stream?.wake();
  }

  /** Ends what runs; the conversation stays. */
  dispose(): void {
    this.stream?.stop();
    this.signals.stop();
  }
}
