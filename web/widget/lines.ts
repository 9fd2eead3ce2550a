import type { Message } from "../shared/types";

/** One line of the talk as it is shown: a message of the gateway, or one of the customer's that is on its way. */
export interface Line extends Message {
  /** Stable over the change from "on its way" to "sent". */
  key: string;
  clientId?: string;
  state?: "sending" | "failed";
  /** What to send again: a text, or a button's token. */
  send?: { text: string } | { token: string };
  /** Why it was not sent. */
  fault?: string;
  /** The answer got lost, so it may have arrived all the same: then the gateway's own line settles it. */
  lost?: boolean;
  /** The gateway's line that this one probably became; certain when the answer names the id. */
  guess?: Message;
}

const HIDDEN = /\[(?:code|card ending|phone ending|id number|password)/;
/** Tells whether a message may be what was said, with secrets hidden. */
const same = (told: string, said: string): boolean => told === said || HIDDEN.test(told);
/** Tells whether the gateway's line is one that seemed lost. */
const isOf = (line: Line, message: Message): boolean => line.lost === true && !line.guess && same(message.text, line.text);
const arrived = (line: Line, message: Message): Line => ({ ...line, id: message.id, text: message.text, state: undefined, guess: undefined, fault: undefined, lost: undefined, send: undefined });

const lineOf = (message: Message): Line => ({ ...message, key: message.id });

/**
 * Puts messages of the stream into the lines. Each id stands once. The customer's own line comes by the stream before the
 * answer to its sending names its id, so the first unknown one is taken for the line that is being sent.
 */
export function merge(lines: Line[], messages: Message[]): Line[] {
  let next = lines;
  for (const message of messages) {
    if (next.some((line) => line.id === message.id || line.guess?.id === message.id)) {
      next = next.map((line) => (line.id === message.id && line.text !== message.text ? { ...line, text: message.text } : line));
      continue;
    }
    const sending = next.findIndex((line) => line.state === "sending");
    const waiting = sending >= 0 ? next[sending] : undefined;
    if (waiting && !waiting.guess && message.author === "customer") {
      next = next.map((line, at) => (at === sending ? { ...line, guess: message, text: message.text } : line));
    } else if (message.author === "customer" && next.some((line) => isOf(line, message))) {
      const found = next.find((line) => isOf(line, message));
      next = next.map((line) => (line === found ? arrived(line, message) : line));
    } else if (waiting && !waiting.guess) {
      next = [...next.slice(0, sending), lineOf(message), ...next.slice(sending)]; // said before the customer's line arrived
    } else {
      next = [...next, lineOf(message)];
    }
  }
  return next;
}

/** Settles a line that was sent: it has the id now, and the replies follow it. A wrong guess becomes a line of its own. */
export function settle(lines: Line[], clientId: string, id: string, replies: Message[]): Line[] {
  const found = lines.find((line) => line.clientId === clientId);
  let next = lines;
  if (found) {
    const wrong = found.guess && found.guess.id !== id ? found.guess : undefined;
    const known = next.find((line) => line !== found && line.id === id);
    const done: Line = { ...found, id, state: undefined, guess: undefined, fault: undefined, lost: undefined, send: undefined };
    if (known) done.text = known.text;
    else if (wrong && "text" in (found.send ?? {})) done.text = (found.send as { text: string }).text;
    next = next.flatMap((line) => (line === found ? (wrong ? [lineOf(wrong), done] : [done]) : line === known ? [] : [line]));
  }
  return merge(next, replies);
}

/** Marks a line as not sent. `lost`: only its answer may be missing, so it counts as sent when the stream has brought the same words. */
export function fail(lines: Line[], clientId: string, fault: string, lost = false): Line[] {
  return lines.map((line) => {
    if (line.clientId !== clientId) return line;
    const { guess, send } = line;
    if (lost && guess && (!send || !("text" in send) || same(guess.text, send.text))) return arrived(line, guess);
    return { ...line, state: "failed", fault, lost };
  });
}

const goesOn = (line: Line): boolean => line.card?.type === "operation" && "status" in line.card && line.card.status !== "awaiting_verification";

/** Returns where the buttons still count: what came after the customer's last line, and from the word on that a request went on without one. */
export function liveFrom(lines: Line[]): number {
  for (let at = lines.length - 1; at >= 0; at -= 1) {
    const line = lines[at];
    if (line?.author === "customer") return at + 1;
    if (line && goesOn(line)) return at;
  }
  return 0;
}

/** Returns the name of the person who answers: who spoke or joined last, with no word of the assistant's since. */
export function lastAgent(lines: Line[]): string {
  const last = [...lines].reverse().find((line) => line.author === "agent" || line.author === "bot" || (line.author === "system" && line.agent));
  return last?.author === "bot" ? "" : (last?.agent ?? "");
}

/** Returns the customer's line with the id that a person has read, also while its sending is not settled. */
export function readLine(lines: Line[], id: string | null): Line | undefined {
  return id === null ? undefined : lines.find((line) => line.author === "customer" && (line.id === id || line.guess?.id === id));
}

/** Messages of one turn are kept in one moment. */
const TURN_MS = 2_000;
/** After this long a line has its author and time again. */
const PAUSE_MS = 10 * 60_000;
const apart = (one: Line, other: Line): number => Math.abs(Date.parse(other.at) - Date.parse(one.at));

/** Returns the first line of what was answered last: the newest line and those that came with it. The customer's own lines are no answer. */
export function answerFrom(lines: Line[]): Line | undefined {
  const last = lines[lines.length - 1];
  if (!last || last.author === "customer") return undefined;
  let at = lines.length - 1;
  for (let before = lines[at - 1]; before && before.author !== "customer" && apart(before, last) < TURN_MS; before = lines[at - 1]) at -= 1;
  return lines[at];
}

/** Tells whether a line shows who said it and when: another author's than the one before, or one after a pause. */
export function beginsAnew(before: Line | undefined, line: Line): boolean {
  return !before || before.author !== line.author || before.agent !== line.agent || apart(before, line) > PAUSE_MS;
}

/** Returns the ids of the lines whose card is the newest word on its request. Nobody verifies two things at once: what waited for that when another request was begun waits no more. */
export function newestWords(lines: Line[]): Set<string> {
  const found = new Map<string, { line: string; waits: boolean }>();
  for (const { id: line, card } of lines) {
    if (card?.type !== "operation" || !("id" in card)) continue;
    const waits = card.status === "awaiting_verification";
    for (const [id, other] of found) if (waits && other.waits && id !== card.id) found.delete(id);
    found.set(card.id, { line, waits });
  }
  return new Set([...found.values()].map((one) => one.line));
}
