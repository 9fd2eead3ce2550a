import { Problem } from "../shared/api";
import type { Language, Mode } from "../shared/types";
import type { Line } from "./lines";
import type { LinkState } from "./stream";
import { WORDS, type Words } from "./words";

/** All that the views draw. */
export interface State {
  phase: "idle" | "starting" | "ready" | "failed";
  lines: Line[];
  mode: Mode;
  language: Language;
  /** How many are served before the customer; null when that is not known. */
  position: number | null;
  agent: string;
  typing: boolean;
  /** The newest of the customer's lines that a person has read, as far as is known. */
  read: string | null;
  busy: boolean;
  link: LinkState;
  signedIn: boolean;
  signingIn: boolean;
  signInNeeded: boolean;
  notice: string | null;
  unread: number;
  firstUnread: string | null;
  rated: Record<string, number>;
}

/** What a conversation is before anything was said in it. */
export const EMPTY = {
  lines: [], mode: "bot", position: null, agent: "", typing: false, read: null, signedIn: false, signInNeeded: false, notice: null, unread: 0, firstUnread: null, rated: {},
} satisfies Partial<State>;

/** Holds the state; views subscribe and are told of each change. */
export class Store {
  state: State;
  private readonly views = new Set<() => void>();

  constructor(language: Language) {
    this.state = { ...EMPTY, phase: "idle", language, busy: false, link: "connecting", signingIn: false };
  }

  subscribe = (view: () => void): (() => void) => {
    this.views.add(view);
    return () => this.views.delete(view);
  };

  snapshot = (): State => this.state;

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
    for (const view of this.views) view();
  }

  get words(): Words {
    return WORDS[this.state.language];
  }

  /** Returns what a customer reads about an error: the server's sentence, else ours. */
  sentence(error: unknown): string {
    const problem = error instanceof Problem ? error : new Problem("other", 0);
    return problem.sentence(this.state.language) ?? this.words.faults[problem.code] ?? this.words.faults.other ?? "";
  }
}
