import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, type Queue } from "../api";
import type { Agent, Call, Chat, Line, Page, Presence, Row } from "../types";
import { placed } from "./rows";

export interface Typing {
  author: "customer" | "agent";
  agent?: string;
  until: number;
}

const FORGET_TYPING = 6000;

/** Writes a row into every list that is held, and asks again for the talk if it is open. */
export function tell(client: QueryClient, row: Row, me: string): void {
  for (const state of ["queue", "mine", "all"] as Queue[]) {
    const key = ["rows", state];
    client.setQueryData<Page<Row>>(key, (page) => page && placed(page, row, state, me));
    // An answer that is under way was read before this news and would wipe it out: it is asked for again.
    if (client.isFetching({ queryKey: key, exact: true })) void client.invalidateQueries({ queryKey: key });
  }
  const open = client.getQueryState(["chat", row.id]);
  if (open) void client.invalidateQueries({ queryKey: ["chat", row.id] });
}

interface Told {
  conversation: Row;
  typing: { conversation: string; author: "customer" | "agent"; agent?: string; typing: boolean };
  seen: { conversation: string; author: "customer"; message: string };
  presence: { username: string; status: Presence };
  call: CallNews;
}

/** What the stream tells of a call: how it stands, and its newest line. */
export type CallNews = Pick<Call, "id" | "agent" | "phone" | "state"> & { line: Line | null };

interface Ears {
  onCall: (call: CallNews) => void;
  onRow: (row: Row) => void;
}

function hear(client: QueryClient, me: string, name: string, text: string, { onCall, onRow }: Ears): void {
  if (name === "resync") {
    for (const key of ["rows", "chat", "calls", "call", "agents"]) void client.invalidateQueries({ queryKey: [key] });
    return;
  }
  const data: unknown = JSON.parse(text);
  if (name === "conversation") {
    const row = data as Told["conversation"];
    onRow(row); // before the lists know it: what they still show is how it was
    tell(client, row, me);
  }
  if (name === "typing") {
    const { conversation, author, agent, typing } = data as Told["typing"];
    const heard: Typing | null = typing ? { author, agent, until: Date.now() + FORGET_TYPING } : null;
    client.setQueryData(["typing", conversation, author], heard);
    if (author === "customer") client.setQueryData<Chat>(["chat", conversation], (chat) => chat && "customer_typing" in chat ? { ...chat, customer_typing: typing } : chat);
  }
  if (name === "seen") void client.invalidateQueries({ queryKey: ["chat", (data as Told["seen"]).conversation] });
  if (name === "presence") {
    const { username, status } = data as Told["presence"];
    client.setQueryData<Agent[]>(["agents"], (agents) => agents?.map((one) => (one.username === username ? { ...one, status } : one)));
  }
  if (name === "call") {
    const told = data as Told["call"];
    const { id } = told;
    void client.invalidateQueries({ queryKey: ["calls"] });
    void client.invalidateQueries({ queryKey: ["call", id] });
    onCall(told);
  }
}

/** Keeps one stream open and the caches fresh; tells whether the line is up. A browser's EventSource gives up on an error answer, so we go on from the last id ourselves. */
export function useStream(me: string, signedOut: () => void, onCall: (call: CallNews) => void, onRow: (row: Row) => void): boolean {
  const client = useQueryClient();
  const [up, setUp] = useState(true);
  useEffect(() => {
    let source: EventSource | null = null;
    let again: ReturnType<typeof setTimeout> | undefined;
    let doubt: ReturnType<typeof setTimeout> | undefined;
    let last: string | null = null;
    let over = false;
    const open = () => {
      source = new EventSource(api.stream(last));
      source.onopen = () => {
        clearTimeout(doubt);
        setUp(true);
      };
      source.onerror = () => {
        // A blink is nobody's business; what lasts longer than that is.
        clearTimeout(doubt);
        doubt = setTimeout(() => setUp(false), 1200);
        if (source?.readyState === EventSource.CLOSED) {
          source.close();
          clearTimeout(again);
          again = setTimeout(() => {
            if (over) return;
            // The answer may have been "sign in again": the session's own request tells.
            void api.me().then(open, (error: { status?: number }) => (error.status === 401 ? signedOut() : open()));
          }, 1500);
        }
      };
      for (const name of ["resync", "conversation", "typing", "seen", "presence", "call"])
        source.addEventListener(name, (event) => {
          const { data, lastEventId } = event as MessageEvent<string>;
          if (lastEventId) last = lastEventId;
          hear(client, me, name, data, { onCall, onRow });
        });
      source.addEventListener("closed", () => {
        source?.close();
        signedOut();
      });
    };
    const offline = () => setUp(false);
    // What the browser calls online again may hold a stream that will never say another word: a new one goes on from the last id.
    const online = () => {
      clearTimeout(again);
      source?.close();
      open();
    };
    window.addEventListener("offline", offline);
    window.addEventListener("online", online);
    open();
    return () => {
      over = true;
      clearTimeout(again);
      clearTimeout(doubt);
      window.removeEventListener("offline", offline);
      window.removeEventListener("online", online);
      source?.close();
    };
  }, [client, me, signedOut, onCall, onRow]);
  return up;
}
