import type { Message } from "../shared/types";

const WORD = /验证码|校验码|one[- ]time|\bcode\b/i;
const SIX = /(?:6|六)\s*位|\b(?:6|six)[- ]?digits?\b/i;

type Said = Pick<Message, "author" | "text" | "card">;

/** Tells whether a message asks for a one-time code. A card of type `code` says so; without one, the words of a bot or agent may. */
export function asksForCode(message: Said | undefined): boolean {
  if (!message || (message.author !== "bot" && message.author !== "agent")) return false;
  return message.card?.type === "code" || (!message.card && WORD.test(message.text) && SIX.test(message.text));
}

const isCode = (text: string): boolean => /^(?:\[code\]|[•0-9\s]+)$/.test(text);

/**
 * Tells whether the talk waits for a one-time code, so that the field can suit a phone: what was said after the customer's
 * last line asks for one, or that line is a code that is still on its way.
 */
export function waitsForCode(lines: (Said & { state?: string })[]): boolean {
  const said = lines.filter((line) => line.author !== "system");
  let from = said.length;
  while (from > 0 && said[from - 1]?.author !== "customer") from -= 1;
  const mine = said[from - 1];
  // While a code is being sent the field stays what it was until the answer comes.
  if (from === said.length && mine?.state && isCode(mine.text)) return waitsForCode(said.slice(0, from - 1));
  const answer = said.slice(from);
  // Any of several messages may carry the card; words count only in the last one.
  return answer.some((line) => line.card?.type === "code") || asksForCode([...answer].reverse().find((line) => line.text));
}

/** Returns the first six-digit code in a text that was pasted or filled in by the phone, or null. */
export function codeIn(text: string): string | null {
  const digits = text.normalize("NFKC").match(/(?<![0-9])[0-9]{3}[ -]?[0-9]{3}(?![0-9])/);
  return digits ? digits[0].replace(/[ -]/g, "") : null;
}

/** Returns what the code's field holds after something came into it: its digits, or `words` when the customer is writing rather than copying a code. */
export function codeTyped(text: string): { code: string } | { words: string } {
  const plain = text.normalize("NFKC");
  if (!/[^0-9\s-]/.test(plain)) return { code: plain.replace(/[^0-9]/g, "").slice(0, 6) };
  const found = codeIn(plain);
  return found ? { code: found } : { words: text };
}

/** What the gateway put in the place of a secret, as a customer reads it. */
export function unmask(text: string, words: { idNumber: string; password: string }): string {
  return text
    .replace(/\[code\]/g, "••••••")
    .replace(/\[card ending ([0-9]{4})\]/g, "•••• $1")
    .replace(/\[phone ending ([0-9]{2,4})\]/g, "•••••••$1")
    .replace(/\[id number\]/g, words.idNumber)
    .replace(/\[password\]/g, words.password);
}
