import type { Row } from "../types";

/** What a row's change means for somebody at the desk; null: nothing to be called for. */
export type News = "waiting" | "given" | "wrote";

interface Known {
  agent: string | null;
  mode: Row["mode"];
  since: string | null;
  said: string | null;
}

/** Remembers how talks stood, so that each piece of news is told once, also when the stream repeats itself. */
export class Newsroom {
  private readonly known = new Map<string, Known>();
  /** Until when what becomes mine was taken by me. */
  private taking = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** I am taking a talk: that it becomes mine is no news. */
  take(): void {
    this.taking = this.now() + 5000;
  }

  /** Keeps how a talk stands, as a list showed it; only what differs from it later is news. */
  keep(row: Row): void {
    if (!this.known.has(row.id)) this.known.set(row.id, known(row));
  }

  /** Returns what is new about a talk for `me`, who takes talks in `languages`. */
  hear(row: Row, me: string, languages: readonly string[]): News | null {
    const before = this.known.get(row.id);
    const now = known(row);
    this.known.set(row.id, now);
    const mine = now.mode === "human" && now.agent === me;
    if (now.mode === "queue") {
      const known_ = before?.mode === "queue" && before.since === now.since;
      const given = before?.mode === "human" && before.agent === me; // by myself
      return known_ || given || !row.ticket || !languages.includes(row.ticket.language ?? row.language) ? null : "waiting";
    }
    if (!mine) return null;
    if (!(before?.mode === "human" && before.agent === me)) return this.now() < this.taking ? null : "given";
    return row.last?.author === "customer" && row.last.at !== before.said ? "wrote" : null;
  }
}

const known = (row: Row): Known => ({ agent: row.agent ?? null, mode: row.mode, since: row.ticket?.since ?? null, said: row.last?.author === "customer" ? row.last.at : null });

/** The one of this page. */
export const newsroom = new Newsroom();
