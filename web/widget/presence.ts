import type { Message } from "../shared/types";
import type { Line } from "./lines";
import type { Session } from "./session";
import type { Store } from "./state";

/** Whether the customer can see the talk, and what was said while they could not. */
export class Presence {
  private seen = true;

  constructor(
    private readonly store: Store,
    private readonly session: Session,
    private readonly tell: (message: string) => void = () => {},
  ) {}

  /** Tells whether the customer can see the talk now. */
  visible(seen: boolean): void {
    this.seen = seen;
    if (seen) {
      this.store.set({ unread: 0 });
      this.mark();
    } else if (this.store.state.firstUnread && this.store.state.unread === 0) {
      this.store.set({ firstUnread: null });
    }
  }

  /** Counts what came after the last line that was seen before a reload. */
  recall(lines: Line[]): void {
    const seen = this.session.kept?.seen;
    const at = seen ? lines.findIndex((line) => line.id === seen) : -1;
    if (at >= 0) this.count(lines.slice(at + 1).filter((line) => !line.state));
  }

  /** Takes note of new messages: read already, or unread. */
  came(fresh: Message[]): void {
    this.count(fresh);
    if (this.seen) this.mark();
  }

  private count(fresh: Pick<Message, "id" | "author">[]): void {
    if (this.seen) return;
    const said = fresh.filter((message) => message.author !== "customer");
    const { unread, firstUnread } = this.store.state;
    if (said.length) this.store.set({ unread: unread + said.length, firstUnread: firstUnread ?? said[0]?.id ?? null });
  }

  private mark(): void {
    const last = [...this.store.state.lines].reverse().find((line) => !line.state)?.id;
    if (last) this.tell(last);
    if (last && this.session.kept && this.session.kept.seen !== last) this.session.change({ seen: last });
  }
}
