import { useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "../api";
import type { Chat, Message } from "../types";

const joined = (older: Message[], newer: Message[]): Message[] => {
  const known = new Set(newer.map((one) => one.id));
  return [...older.filter((one) => !known.has(one.id)), ...newer];
};

/** A talk with the lines that were loaded so far: the newest by itself, older ones when asked for. */
export function useChat(id: string) {
  const client = useQueryClient();
  const found = useQuery({
    queryKey: ["chat", id],
    queryFn: async () => {
      const fresh = await api.chat(id);
      const held = client.getQueryData<Chat>(["chat", id]);
      if (!held) return fresh;
      const first = fresh.messages[0];
      // Lines older than the newest page stay; what came by itself since is in the page already.
      const older = first ? held.messages.filter((one) => one.at < first.at) : [];
      return { ...fresh, messages: joined(older, fresh.messages), has_more: older.length ? held.has_more : fresh.has_more };
    },
  });
  const earlier = async () => {
    const first = found.data?.messages[0];
    if (!first) return;
    const page = await api.chat(id, first.id);
    client.setQueryData<Chat>(["chat", id], (chat) => chat && { ...chat, messages: joined(page.messages, chat.messages), has_more: page.has_more });
  };
  return { ...found, earlier };
}

/** The customer's newest line, which suggestions are for. */
export function newestOfCustomer(messages: Message[]): Message | undefined {
  return [...messages].reverse().find((one) => one.author === "customer");
}
