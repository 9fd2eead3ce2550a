import { SendOutlined, SnippetsOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Segmented } from "antd";
import { useEffect, useRef, useState, type RefObject } from "react";
import { api, type Base } from "../api";
import { CannedPicker } from "../parts/CannedPicker";
import { useComplain } from "../problems";
import type { Chat } from "../types";
import { useWords } from "../words";
import { useDraft } from "./drafts";
import type { Saying } from "./saying";

const TELL_TYPING_EVERY = 3000;
// What a canned reply leaves open where the customer's value is not known.
const GAP = /\{[a-z_]+\}/;

interface Props {
  chat: Chat;
  mine: boolean;
  saying: Saying;
  field: RefObject<HTMLTextAreaElement>;
}

/** Where an agent writes: to the customer, or a note that only the desk sees. */
export function Composer({ chat, mine, saying, field }: Props) {
  const words = useWords();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const [draft, setDraft] = useDraft(saying.key);
  const [picking, setPicking] = useState(false);
  const [busy, setBusy] = useState(false);
  const told = useRef(0);
  const note = draft.note || !mine;
  const base: Base = { kind: "chat", id: chat.id };
  useEffect(() => {
    told.current = 0;
  }, [chat.id]);
  const tellTyping = (typing: boolean) => {
    if (!mine || note) return;
    const now = Date.now();
    if (typing && now - told.current < TELL_TYPING_EVERY) return;
    if (!typing && told.current === 0) return;
    told.current = typing ? now : 0;
    void api.typing(chat.id, typing).catch(() => null);
  };
  const submit = async () => {
    const text = draft.text.trim();
    if (!text) return;
    const gap = note ? null : GAP.exec(draft.text);
    if (gap) {
      field.current?.focus();
      field.current?.setSelectionRange(gap.index, gap.index + gap[0].length);
      void message.warning(words.compose.gap(gap[0]));
      return;
    }
    if (!note) {
      told.current = 0;
      const suggestion = draft.suggestion;
      setDraft({ text: "", suggestion: undefined });
      saying.say(text, suggestion);
      return;
    }
    setBusy(true);
    try {
      await api.note(base, text);
      setDraft({ text: "", note: false });
      await client.invalidateQueries({ queryKey: ["chat", chat.id] });
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="composer" data-note={note || undefined}>
      <div className="composer-top">
        {mine && (
          <Segmented
            size="small"
            value={note ? "note" : "reply"}
            onChange={(value) => {
              setDraft({ note: value === "note" });
              field.current?.focus();
            }}
            options={[
              { value: "reply", label: words.compose.reply },
              { value: "note", label: words.compose.note },
            ]}
          />
        )}
        {!mine && <b className="composer-label">{words.talk.note}</b>}
        {mine && !note && (
          <CannedPicker base={base} customerLanguage={chat.language} open={picking} setOpen={setPicking} pick={(text) => { setDraft({ text: draft.text ? `${draft.text} ${text}` : text }); field.current?.focus(); }}>
            <Button size="small" type="text" icon={<SnippetsOutlined aria-hidden />} title="/" aria-haspopup="dialog" aria-expanded={picking}>
              {words.compose.canned}
            </Button>
          </CannedPicker>
        )}
        {draft.suggestion && !note && <span className="quiet composer-from">{words.compose.from}</span>}
      </div>
      <div className="composer-row">
        <textarea
          ref={field}
          aria-label={note ? words.compose.note : words.compose.reply}
          placeholder={note ? words.compose.notePlaceholder : words.compose.placeholder(words.languages[chat.language] ?? "")}
          value={draft.text}
          maxLength={4000}
          rows={2}
          onChange={(event) => {
            const text = event.target.value;
            if (text === "/" && !note) {
              setPicking(true);
              return;
            }
            setDraft({ text });
            tellTyping(text !== "");
          }}
          onBlur={() => tellTyping(false)}
          onKeyDown={(event) => {
            if (event.key === "Escape") field.current?.blur();
            if (event.key === "Enter" && !event.shiftKey && !event.altKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              void submit();
            }
          }}
        />
        <Button type="primary" icon={note ? undefined : <SendOutlined aria-hidden />} onClick={() => void submit()} disabled={!draft.text.trim()} loading={busy}>
          {note ? words.compose.save : words.compose.send}
        </Button>
      </div>
      <p className="composer-hint" data-low={(mine && !note && chat.window && chat.window.left < 2) || undefined}>
        {words.compose.hint}
        {mine && !note && chat.window && <b> · {words.compose.window(chat.window.left)}</b>}
      </p>
    </div>
  );
}
