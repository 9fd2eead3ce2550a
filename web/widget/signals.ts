import { call } from "../shared/api";
import type { Language, Mode } from "../shared/types";
import type { Session } from "./session";
import type { Store } from "./state";

const TYPING_MS = 20_000;
const PLACE_MS = 10_000;

/** What the gateway tells beside messages: who answers, in which language, how long the line is, who is typing. */
export class Signals {
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  private placeTimer: ReturnType<typeof setInterval> | undefined;
  /** The conversation's language as the gateway last told it; the page follows when it changes. */
  private spoken: Language | undefined;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {}

  moved(mode: Mode, language: Language): void {
    const { state } = this.store;
    if (mode !== state.mode) this.store.set({ mode, position: null });
    if (language !== state.language && language !== this.spoken) this.store.set({ language });
    this.spoken = language;
    clearInterval(this.placeTimer);
    if (mode !== "queue") return;
    void this.askPlace();
    this.placeTimer = setInterval(() => void this.askPlace(), PLACE_MS);
  }

  private async askPlace(): Promise<void> {
    const { kept } = this.session;
    if (!kept) return;
    const found = await call<{ position?: number }>("GET", `/api/v1/conversations/${kept.id}`, { token: kept.token }).catch(() => null);
    if (found && this.store.state.mode === "queue") this.store.set({ position: found.position ?? null });
  }

  /** Shows that the other side types; a lost "stopped" ends by itself. */
  types(typing: boolean): void {
    clearTimeout(this.typingTimer);
    if (typing !== this.store.state.typing) this.store.set({ typing });
    if (typing) this.typingTimer = setTimeout(() => this.store.set({ typing: false }), TYPING_MS);
  }

  /** Forgets what was told of the conversation before. */
  reset(): void {
    this.spoken = undefined;
    this.stop();
  }

  stop(): void {
    clearInterval(this.placeTimer);
    clearTimeout(this.typingTimer);
  }
}
