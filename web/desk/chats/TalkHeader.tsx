import { CheckCircleOutlined, RobotOutlined, SwapOutlined, UserAddOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { Sla } from "../parts/Sla";
import { useMe } from "../session";
import type { Chat } from "../types";
import { said, useLanguage, useWords } from "../words";
import { ALARMING, shortId } from "./ChatRow";

interface Props {
  chat: Chat;
  busy: string;
  take: () => void;
  handBack: () => void;
  transfer: () => void;
  close: () => void;
}

/** Who this is, why they are here, whose turn it is; and what can be done with the talk. */
export function TalkHeader({ chat, busy, take, handBack, transfer, close }: Props) {
  const me = useMe();
  const words = useWords();
  const language = useLanguage();
  const mine = chat.mode === "human" && chat.agent === me.username;
  const ticket = chat.ticket;
  const owner = mine ? words.ownedByMe : chat.mode === "human" ? words.ownedBy(chat.agent_name ?? chat.agent ?? "") : words.modes[chat.mode];
  return (
    <header className="talk-head">
      <div className="talk-who">
        <h1>
          {words.customer} {shortId(chat.id)}
          <span className="lang" data-language={chat.language} title={words.languages[chat.language]}>
            {words.languageShort[chat.language]}
          </span>
        </h1>
        <p>
          <span className="owner" data-mode={mine ? "mine" : chat.mode}>
            {owner}
          </span>
          <span>{words.channels[chat.channel] ?? chat.channel}</span>
          <span>{chat.signed_in ? words.signedIn : words.guest}</span>
          {chat.customer_online !== null && chat.customer_online !== undefined && <span data-online={chat.customer_online}>{chat.customer_online ? words.talk.online : words.talk.away}</span>}
          <Sla row={chat} wide />
        </p>
      </div>
      <div className="talk-acts">
        {mine ? (
          <>
            <Button icon={<RobotOutlined aria-hidden />} onClick={handBack} loading={busy === "handBack"} title={`${words.talk.handBack} (Alt+H)`}>
              {words.talk.handBack}
            </Button>
            <Button icon={<SwapOutlined aria-hidden />} onClick={transfer} title={`${words.talk.transfer} (Alt+F)`}>
              {words.talk.transfer}
            </Button>
            <Button icon={<CheckCircleOutlined aria-hidden />} onClick={close} title={`${words.talk.close} (Alt+W)`}>
              {words.talk.close}
            </Button>
          </>
        ) : chat.mode !== "human" ? (
          <Button type="primary" icon={<UserAddOutlined aria-hidden />} onClick={take} loading={busy === "take"} title="T">
            {chat.mode === "bot" && !ticket ? words.talk.takeFromBot : words.talk.take}
          </Button>
        ) : me.supervisor ? (
          <Button icon={<SwapOutlined aria-hidden />} onClick={transfer}>
            {words.talk.transfer}
          </Button>
        ) : null}
      </div>
      {ticket && (
        <div className="talk-why" data-tone={ALARMING.has(ticket.reason) ? "bad" : undefined}>
          {said(chat.brief, language) ? (
            <span>{said(chat.brief, language)}</span>
          ) : (
            <>
              <b>{words.reasons[ticket.reason] ?? ticket.reason}</b>
              {said(ticket.intent_title, language) && <span>{said(ticket.intent_title, language)}</span>}
            </>
          )}
          {ticket.summary && <span className="talk-summary">{ticket.summary}</span>}
        </div>
      )}
    </header>
  );
}
