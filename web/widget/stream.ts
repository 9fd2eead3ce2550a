import type { Socket } from "socket.io-client";
import { call, Problem, problemOf } from "../shared/api";
import type { Language, Message, Mode } from "../shared/types";
import { EventCutter } from "./sse";

export type LinkState = "connecting" | "live" | "offline";

export interface Listener {
  messages(messages: Message[]): void;
  mode(mode: Mode, language: Language): void;
  typing(author: string, typing: boolean): void;
  /** The newest of the customer's lines that a person has read. */
  seen(message: string): void;
  link(state: LinkState): void;
  /** The bearer died (`unauthenticated`), or the sign-in ran out (`sign_in_again`). */
  closed(code: string): void;
}

interface Seen {
  author: string;
  message: string;
}

const TOO_MANY = 3;
const POLL_MS = 3_000;
const PATIENCE_MS = 5_000;
const SILENCE_MS = 45_000; // the gateway sends a ping every 15 s

/**
 * Everything that comes from the gateway by itself: Socket.IO; where that cannot get through, Server-Sent Events by fetch
 * (EventSource cannot carry a bearer); where a proxy holds those back, plain polling. Nothing is lost in a change:
 * each way resumes after the last message that came by any of them.
 */
export class Stream {
  private socket: Socket | null = null;
  private stopper = new AbortController();
  private stopped = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private leaving = false;
  /** Socket.IO was given up for Server-Sent Events. */
  private left = false;

  constructor(
    private readonly conversation: { id: string; token: string },
    private readonly after: () => string | undefined,
    private readonly listener: Listener,
  ) {}

  start(): void {
    this.listener.link("connecting");
    void this.openSocket();
    // Something on the way may swallow a socket without a word.
    this.patience = setTimeout(() => !this.socket?.connected && navigator.onLine && void this.leaveSocket(), PATIENCE_MS);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    clearTimeout(this.patience);
    this.stopper.abort();
    this.socket?.removeAllListeners();
    this.socket?.disconnect();
    this.socket = null;
  }

  /** Tries at once what would be tried later: the network is back, or the page is seen again. */
  wake(): void {
    if (this.stopped) return;
    if (this.socket && !this.socket.connected) this.socket.disconnect().connect();
  }

  private async openSocket(): Promise<void> {
    // Not before there is a talk to listen to: the first picture does not wait for it.
    const found = await import("socket.io-client").catch(() => null);
    if (this.stopped || this.left) return;
    if (!found) {
      this.listener.link("offline");
      await this.leaveSocket();
      if (!this.stopped && !this.left) this.timer = setTimeout(() => void this.openSocket(), 3_000);
      return;
    }
    const socket = found.io({
      path: "/socket.io",
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 400,
      reconnectionDelayMax: 4_000,
      timeout: 8_000,
      forceNew: true,
      auth: (give) => give({ token: this.conversation.token, after: this.after() }),
    });
    this.socket = socket;
    socket.on("connect", () => {
      this.failures = 0;
      this.listener.link("live");
    });
    socket.on("history", (data: { messages: Message[] }) => this.listener.messages(data.messages));
    socket.on("replies", (data: { mode?: Mode; language?: Language; replies: Message[] }) => this.listener.messages(data.replies));
    socket.on("mode", (data: { mode: Mode; language: Language }) => this.listener.mode(data.mode, data.language));
    socket.on("typing", (data: { author: string; typing: boolean }) => this.listener.typing(data.author, data.typing));
    socket.on("seen", (data: Seen) => this.seen(data));
    socket.on("closed", (data: { code: string }) => this.close(data.code));
    socket.on("disconnect", (reason) => {
      if (this.stopped) return;
      this.listener.link("offline");
      // The server ended it (a restart): Socket.IO does not come back from that by itself.
      if (reason === "io server disconnect") this.timer = setTimeout(() => socket.connect(), 800);
    });
    socket.on("connect_error", (error: Error & { data?: unknown }) => {
      if (this.stopped) return;
      if (error.data) return this.refused(problemOf(error.data, 0), socket);
      this.failures += 1;
      this.listener.link("offline");
      if (this.failures >= TOO_MANY && navigator.onLine) void this.leaveSocket();
    });
  }

  private refused(problem: Problem, socket: Socket): void {
    if (["unauthenticated", "sign_in_again"].includes(problem.code)) return this.close(problem.code);
    this.timer = setTimeout(() => socket.connect(), 3_000);
  }

  /** Socket.IO does not get through: if the gateway itself answers, goes on by SSE; else keeps trying. */
  private async leaveSocket(): Promise<void> {
    if (this.leaving || this.left) return;
    this.leaving = true;
    try {
      await this.poll();
    } catch {
      return;
    } finally {
      this.leaving = false;
    }
    if (this.stopped || this.socket?.connected) return;
    this.left = true;
    this.socket?.removeAllListeners();
    this.socket?.disconnect();
    this.socket = null;
    await this.readEvents();
  }

  private async readEvents(): Promise<void> {
    let misses = 0;
    while (!this.stopped && misses < TOO_MANY) {
      const heard = await this.oneStream();
      misses = heard ? 0 : misses + 1;
      if (this.stopped) return;
      await this.pollOnce();
      await this.pause(600 * (misses + 1));
    }
    while (!this.stopped) {
      await this.pollOnce();
      await this.pause(POLL_MS);
    }
  }

  private async pollOnce(): Promise<void> {
    try {
      await this.poll();
      this.listener.link("live");
    } catch {
      if (!this.stopped) this.listener.link("offline");
    }
  }

  /** Reads one event stream to its end; tells whether anything came by it. */
  private async oneStream(): Promise<boolean> {
    let heard = false;
    const inner = new AbortController();
    const stop = () => inner.abort();
    this.stopper.signal.addEventListener("abort", stop);
    let silence = setTimeout(stop, 8_000);
    try {
      const after = this.after();
      const query = after ? `?after=${encodeURIComponent(after)}` : "";
      const answer = await fetch(`/api/v1/conversations/${this.conversation.id}/events${query}`, {
        headers: { Authorization: `Bearer ${this.conversation.token}`, Accept: "text/event-stream" },
        cache: "no-store",
        signal: inner.signal,
      });
      if (answer.status === 401) {
        this.close(problemOf(await answer.json().catch(() => null), 401).code);
        return true;
      }
      if (!answer.ok || !answer.body) return false;
      const reader = answer.body.getReader();
      const decoder = new TextDecoder();
      const cutter = new EventCutter();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return heard;
        if (!heard) this.listener.link("live");
        heard = true;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE_MS);
        for (const event of cutter.push(decoder.decode(value, { stream: true }))) this.take(event.event, JSON.parse(event.data));
      }
    } catch {
      return heard;
    } finally {
      clearTimeout(silence);
      this.stopper.signal.removeEventListener("abort", stop);
    }
  }

  private take(event: string, data: any): void {
    if (event === "message") this.listener.messages([data as Message]);
    else if (event === "mode") this.listener.mode(data.mode, data.language);
    else if (event === "typing") this.listener.typing(data.author, data.typing);
    else if (event === "seen") this.seen(data);
    else if (event === "closed") this.close(data.code);
  }

  private seen({ author, message }: Seen): void {
    if (author === "agent") this.listener.seen(message);
  }

  private async poll(): Promise<void> {
    const path = `/api/v1/conversations/${this.conversation.id}`;
    const after = this.after();
    try {
      const { token } = this.conversation;
      const { messages } = await call<{ messages: Message[] }>("GET", `${path}/messages${after ? `?after=${encodeURIComponent(after)}` : ""}`, { token });
      if (messages.length) this.listener.messages(messages);
      const state = await call<{ mode: Mode; language: Language }>("GET", path, { token });
      this.listener.mode(state.mode, state.language);
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.close(error.code);
      throw error;
    }
  }

  private close(code: string): void {
    if (this.stopped) return;
    this.stop();
    this.listener.closed(code);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.timer = setTimeout(resolve, ms);
    });
  }
}
