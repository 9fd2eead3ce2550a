import type { Language } from "./types";

/** An error answer (RFC 9457), `timeout` when none came in time, or `network` when there was none at all. */
export class Problem extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly sentences: Partial<Record<Language, string>> = {},
    readonly retryAfter = 0,
  ) {
    super(code);
  }

  /** The sentence of the server for the customer, if it has one. */
  sentence(language: Language): string | undefined {
    return this.sentences[language];
  }
}

/** Returns the problem that a body describes; a body that is none becomes `http_error`. */
export function problemOf(body: unknown, status: number, retryAfter = 0): Problem {
  const found = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const said = typeof found.message === "object" && found.message !== null ? (found.message as Record<string, unknown>) : {};
  const sentences: Partial<Record<Language, string>> = {};
  for (const language of ["zh", "en"] as const) if (typeof said[language] === "string") sentences[language] = said[language];
  return new Problem(typeof found.code === "string" ? found.code : "http_error", status, sentences, retryAfter);
}

/** Calls our origin with JSON; returns the parsed body (null for 204); raises Problem. Gives up after `timeout` ms. */
export async function call<T>(method: string, path: string, options: { token?: string | null; body?: unknown; timeout?: number } = {}): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), options.timeout ?? 30_000);
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.token) headers.Authorization = `Bearer ${options.token}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      cache: "no-store",
      credentials: "same-origin",
      signal: stop.signal,
    });
    const text = await answer.text();
    let body: unknown = null;
    try {
      body = text ? JSON.parse(text) : null;
    } catch {
      body = null;
    }
    if (!answer.ok) throw problemOf(body, answer.status, Number(answer.headers.get("Retry-After")) || 0);
    return body as T;
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(stop.signal.aborted ? "timeout" : "network", 0);
  } finally {
    clearTimeout(timer);
  }
}
