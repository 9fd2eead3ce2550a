import { languageOf } from "../shared/language";
import type { Language } from "../shared/types";

/** What the host page tells us. */
export interface HostEvents {
  token(token: string | null): void;
  /** `focus`: the customer opened it, and means to type. */
  visible(open: boolean, focus: boolean): void;
  language(language: Language): void;
  say(text: string): void;
  restart(): void;
}

const TOKEN_MS = 12_000;
const SIGN_IN_MS = 180_000;

/**
 * The line to the page that embeds us. Only the window that holds our frame is heard, and only from the origin it was
 * loaded under; who may hold us at all is the gateway's `frame-ancestors`.
 */
export class Host {
  readonly embedded = window.parent !== window;
  private origin: string | null = null;
  private readonly waiting = new Map<string, (token: string | null) => void>();
  private count = 0;

  constructor(private readonly events: HostEvents) {
    this.origin = parentOrigin();
    window.addEventListener("message", this.hear);
  }

  private hear = (event: MessageEvent): void => {
    if (!this.embedded || event.source !== window.parent || !this.origin || event.origin !== this.origin) return;
    const data: unknown = event.data;
    if (typeof data !== "object" || data === null) return;
    const { type, token, id, language, text, open, focus } = data as Record<string, unknown>;
    if (type === "jiebang:token") {
      const given = typeof token === "string" && token.length < 8192 ? token : null;
      // An answer that came too late is not news of a sign-in.
      if (typeof id === "string") this.waiting.get(id)?.(given);
      else this.events.token(given);
    } else if (type === "jiebang:visible") this.events.visible(open === true, focus === true);
    else if (type === "jiebang:language" && typeof language === "string") {
      const found = languageOf(language);
      if (found) this.events.language(found);
    } else if (type === "jiebang:say" && typeof text === "string") this.events.say(text.slice(0, 2000));
    else if (type === "jiebang:restart") this.events.restart();
  };

  private post(message: Record<string, unknown>): void {
    if (this.embedded && this.origin) window.parent.postMessage(message, this.origin);
  }

  /** Asks for a customer token; null when the page has none, or does not answer. */
  token(asked: boolean): Promise<string | null> {
    if (!this.embedded || !this.origin) return Promise.resolve(null);
    const id = `t${(this.count += 1)}`;
    return new Promise((resolve) => {
      const done = (token: string | null) => {
        clearTimeout(timer);
        this.waiting.delete(id);
        resolve(token);
      };
      const timer = setTimeout(() => done(null), asked ? SIGN_IN_MS : TOKEN_MS);
      this.waiting.set(id, done);
      this.post({ type: "jiebang:need-token", id, asked });
    });
  }

  ready(): void {
    this.post({ type: "jiebang:ready" });
  }

  unread(count: number): void {
    this.post({ type: "jiebang:unread", count });
  }

  language(language: Language): void {
    this.post({ type: "jiebang:language", language });
  }

  close(): void {
    this.post({ type: "jiebang:close" });
  }
}

/** Returns the origin of the page that holds our frame: as the browser knows it, else as the loader wrote it into our address. */
function parentOrigin(): string | null {
  const known = (window.location as Location & { ancestorOrigins?: DOMStringList }).ancestorOrigins?.[0];
  if (known) return known === "null" ? null : known;
  const told = new URLSearchParams(window.location.hash.slice(1)).get("host");
  try {
    const named = told ? new URL(told).origin : null;
    const referrer = document.referrer ? new URL(document.referrer).origin : null;
    return referrer && referrer !== window.location.origin ? referrer : named;
  } catch {
    return null;
  }
}
