import { useQueryClient } from "@tanstack/react-query";
import { App } from "antd";
import { useCallback } from "react";
import { useLocation } from "wouter";
import { api, DeskProblem } from "../api";
import { newsroom } from "../live/news";
import { tell } from "../live/stream";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Agent } from "../types";
import { useWords } from "../words";

/** Returns what a colleague is called, by user name. */
export function useColleague(): (username: string | null | undefined) => string {
  const client = useQueryClient();
  return useCallback((username) => client.getQueryData<Agent[]>(["agents"])?.find((one) => one.username === username)?.name ?? username ?? "", [client]);
}

/** Returns an act that takes a talk; when a colleague was faster, says who. */
export function useTake(): (id: string) => Promise<boolean> {
  const client = useQueryClient();
  const me = useMe();
  const words = useWords();
  const { message } = App.useApp();
  const complain = useComplain();
  const colleague = useColleague();
  return async (id) => {
    newsroom.take();
    try {
      tell(client, await api.take(id), me.username);
      void client.invalidateQueries({ queryKey: ["customer", "chat", id] });
      return true;
    } catch (error) {
      if (error instanceof DeskProblem && error.code === "owner_changed" && typeof error.more.agent === "string") void message.warning(words.talk.taken(typeof error.more.agent_name === "string" ? error.more.agent_name : colleague(error.more.agent)));
      else complain(error);
      void client.invalidateQueries({ queryKey: ["rows"] });
      void client.invalidateQueries({ queryKey: ["chat", id] });
      return false;
    }
  };
}

/** Returns an act that takes who is served next and opens that talk. */
export function useTakeNext(): () => Promise<void> {
  const client = useQueryClient();
  const me = useMe();
  const words = useWords();
  const [, go] = useLocation();
  const { message } = App.useApp();
  const complain = useComplain();
  return async () => {
    newsroom.take();
    try {
      const row = await api.next();
      tell(client, row, me.username);
      go(`/chats/${row.id}`);
    } catch (error) {
      if (error instanceof DeskProblem && error.code === "not_found") void message.info(words.emptyList.queue);
      else complain(error);
    }
  };
}
