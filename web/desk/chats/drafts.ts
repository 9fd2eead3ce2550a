import { useSyncExternalStore } from "react";

export interface Suggested {
  message: string;
  label: string;
  text: string;
}

export interface Draft {
  text: string;
  note: boolean;
  suggestion?: Suggested;
}

/** A line of ours that the server has not confirmed yet. */
export interface Pending {
  client_id: string;
  text: string;
  state: "sending" | "failed";
  suggestion?: Suggested;
}

const EMPTY: Draft = { text: "", note: false };
const NONE: Pending[] = [];
const drafts = new Map<string, Draft>();
const outbox = new Map<string, Pending[]>();
const ears = new Set<() => void>();
const told = () => ears.forEach((ear) => ear());
const listen = (ear: () => void) => {
  ears.add(ear);
  return () => void ears.delete(ear);
};

/** What is being written, by talk and person: kept in memory alone, so that it survives a change of talk or a new sign-in but not the page. */
export function useDraft(key: string): [Draft, (change: Partial<Draft>) => void] {
  const draft = useSyncExternalStore(listen, () => drafts.get(key) ?? EMPTY);
  return [draft, (change) => setDraft(key, change)];
}

export function setDraft(key: string, change: Partial<Draft>): void {
  const next = { ...(drafts.get(key) ?? EMPTY), ...change };
  if (!next.text) delete next.suggestion;
  drafts.set(key, next);
  told();
}

export const usePending = (key: string): Pending[] => useSyncExternalStore(listen, () => outbox.get(key) ?? NONE);

export function putPending(key: string, line: Pending): void {
  outbox.set(key, [...(outbox.get(key) ?? NONE).filter((one) => one.client_id !== line.client_id), line]);
  told();
}

export function dropPending(key: string, clientId: string): void {
  outbox.set(key, (outbox.get(key) ?? NONE).filter((one) => one.client_id !== clientId));
  told();
}
