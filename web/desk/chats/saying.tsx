import { useQueryClient } from "@tanstack/react-query";
import { App } from "antd";
import { api, clientId, DeskProblem } from "../api";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Chat } from "../types";
import { useLanguage, useWords } from "../words";
import { dropPending, putPending, setDraft, type Pending, type Suggested } from "./drafts";

/** Returns acts that send a line: at once on the screen, once at the server, and never lost when the line is down. */
export function useSaying(id: string) {
  const me = useMe();
  const key = `${me.username}:${id}`;
  const client = useQueryClient();
  const words = useWords();
  const language = useLanguage();
  const { modal } = App.useApp();
  const complain = useComplain();

  const send = async (line: Pending, sure = false): Promise<void> => {
    putPending(key, { ...line, state: "sending" });
    try {
      const said = await api.say(id, { text: line.text, client_id: line.client_id, suggestion: line.suggestion, ...(sure ? { sure } : {}) });
      client.setQueryData<Chat>(["chat", id], (chat) => chat && { ...chat, messages: [...chat.messages.filter((one) => one.id !== said.id), said] });
      dropPending(key, line.client_id);
    } catch (error) {
      const code = error instanceof DeskProblem ? error.code : "network";
      if (code === "asks_for_secret") {
        dropPending(key, line.client_id);
        modal.confirm({
          title: words.compose.secretTitle,
          content: (error as DeskProblem).sentence(language) ?? words.compose.secretLead,
          okText: words.compose.secretEdit,
          cancelText: words.compose.secretSure,
          onOk: () => setDraft(key, { text: line.text, note: false, suggestion: line.suggestion }),
          onCancel: () => void send(line, true),
          width: 480,
          keyboard: false,
          maskClosable: false,
        });
      } else if (code === "owner_changed" || code === "empty_text" || code === "text_too_long") {
        dropPending(key, line.client_id);
        setDraft(key, { text: line.text, suggestion: line.suggestion });
        complain(error);
        void client.invalidateQueries({ queryKey: ["chat", id] });
      } else putPending(key, { ...line, state: "failed" });
    }
  };

  return {
    key,
    say: (text: string, suggestion?: Suggested) => void send({ client_id: clientId(), text, state: "sending", suggestion }),
    again: (line: Pending) => void send(line),
    drop: (line: Pending) => dropPending(key, line.client_id),
  };
}

export type Saying = ReturnType<typeof useSaying>;
