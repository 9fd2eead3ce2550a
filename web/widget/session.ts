import { forget, keep, load, type Kept } from "./storage";

/** The conversation that this tab holds, with its bearer; every change is remembered at once. */
export class Session {
  kept: Kept | null = null;

  /** Returns what the tab remembers from before a reload. */
  remembered = load;

  take(kept: Kept): void {
    this.kept = kept;
    keep(kept);
  }

  change(part: Partial<Kept>): void {
    if (this.kept) this.take({ ...this.kept, ...part });
  }

  drop(): void {
    this.kept = null;
    forget();
  }
}
