import { call } from "../shared/api";
import type { Session } from "./session";
import type { Store } from "./state";

const AGAIN_MS = 3_000;

/** Tells a person of the desk that the customer types, and what they have seen. The assistant needs neither, so it is told nothing. */
export class Telling {
  private told = 0;
  private seenLast: string | undefined;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
  ) {}

  /** The customer types (told again every few seconds while it lasts), or has stopped. */
  types(typing: boolean): void {
    const now = Date.now();
    if (typing ? now - this.told < AGAIN_MS : this.told === 0) return;
    this.told = typing ? now : 0;
    this.tell("typing", { typing });
  }

  /** What was typed went out: the line itself says so. */
  sent(): void {
    this.told = 0;
  }

  seen(message: string): void {
    if (message === this.seenLast || this.store.state.mode === "bot") return;
    this.seenLast = message;
    this.tell("seen", { message });
  }

  private tell(what: "typing" | "seen", body: unknown): void {
    const { kept } = this.session;
    // What is lost is told with the next one.
    if (kept && this.store.state.mode !== "bot") void call("POST", `/api/v1/conversations/${kept.id}/${what}`, { token: kept.token, body }).catch(() => null);
  }
}
