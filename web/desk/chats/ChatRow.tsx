import { FireFilled } from "@ant-design/icons";
import { Link } from "wouter";
import { moment } from "../format";
import { useMasked } from "../parts/Masked";
import { Sla } from "../parts/Sla";
import { useMe } from "../session";
import type { Row } from "../types";
import { said, useLanguage, useWords } from "../words";

/** How a talk is called where nobody has a name: the end of its number. */
export const shortId = (id: string): string => id.slice(-4).toUpperCase();

export const ALARMING = new Set(["fraud", "angry"]);

/** Who said the last words, where it was not the customer; an agent's name is the line's own, since the talk may be somebody else's by now. */
function useAuthor(row: Row): string {
  const words = useWords();
  const me = useMe();
  if (row.last?.author === "bot") return `${words.talk.bot}: `;
  if (row.last?.author !== "agent") return "";
  return `${row.last.agent && [me.name, me.name_en].includes(row.last.agent) ? words.calls.me : (row.last.agent ?? words.roles.agent)}: `;
}

/** One talk in a list: who, why, how long, the last words. */
export function ChatRow({ row, open }: { row: Row; open: boolean }) {
  const words = useWords();
  const language = useLanguage();
  const me = useMe();
  const masked = useMasked();
  const ticket = row.ticket;
  const high = ticket?.priority === "high";
  const reason = ticket ? said(ticket.intent_title, language) || (words.reasons[ticket.reason] ?? ticket.reason) : words.modes[row.mode];
  const author = useAuthor(row);
  return (
    <Link href={`/chats/${row.id}`} className="row" aria-current={open ? "true" : undefined} data-high={high || undefined}>
      <span className="row-top">
        <span className="lang" data-language={row.language} title={words.languages[row.language]}>
          {words.languageShort[row.language]}
        </span>
        <b>
          {words.customer} {shortId(row.id)}
        </b>
        {high && (
          <span className="flag">
            <FireFilled aria-hidden /> {words.priorityHigh}
          </span>
        )}
        {row.unanswered && row.mode === "human" && row.agent === me.username ? (
          <span className="count" aria-label={words.unanswered(row.unanswered)}>
            {row.unanswered}
          </span>
        ) : null}
        <time dateTime={row.updated_at}>{moment(row.updated_at, language)}</time>
      </span>
      <span className="row-last">
        {author}
        {row.last ? masked(row.last.text.replace(/\s+/g, " ")) : ""}
      </span>
      <span className="row-tags">
        <span className="chip" data-tone={ticket && ALARMING.has(ticket.reason) ? "bad" : undefined}>
          {ticket && ALARMING.has(ticket.reason) ? words.reasons[ticket.reason] : reason}
        </span>
        <span className="quiet">{words.channels[row.channel] ?? row.channel}</span>
        {ticket?.out_of_hours && <span className="quiet">{words.outOfHours}</span>}
        {row.mode === "human" && row.agent !== me.username && <span className="quiet">{words.ownedBy(row.agent_name ?? row.agent ?? "")}</span>}
        <Sla row={row} />
      </span>
    </Link>
  );
}
