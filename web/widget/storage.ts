/** What a tab remembers of its conversation; gone with the tab. Falls back to memory where storage is closed to us. */
export interface Kept {
  id: string;
  token: string;
  /** The account (`sub` of the customer token) it was begun with, null for an anonymous one. */
  sub: string | null;
  /** The last message that the customer has seen. */
  seen?: string;
  rated?: Record<string, number>;
}

const KEY = "jiebang:conversation";
let memory: string | null = null;

function read(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return memory;
  }
}

function write(text: string | null): void {
  memory = text;
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    /* memory has it */
  }
}

export function load(): Kept | null {
  try {
    const found = JSON.parse(read() ?? "null") as Kept | null;
    return found && typeof found.id === "string" && typeof found.token === "string" ? found : null;
  } catch {
    return null;
  }
}

export const keep = (kept: Kept): void => write(JSON.stringify(kept));
export const forget = (): void => write(null);

/** Returns the `sub` of a JWT without checking it: it only tells one customer's tab from another's; the gateway checks the token. */
export function subjectOf(token: string | null): string | null {
  try {
    const part = (token ?? "").split(".")[1];
    if (!part) return null;
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as { sub?: unknown };
    return typeof claims.sub === "string" ? claims.sub : null;
  } catch {
    return null;
  }
}
