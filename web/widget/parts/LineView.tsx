import { Bubble, Button } from "@chatui/core";
import { memo } from "react";
import type { Button as Choice, Language } from "../../shared/types";
import { unmask } from "../codes";
import type { Line } from "../lines";
import { Markdown } from "../markdown";
import type { Words } from "../words";
import { CardView, CopyButton, lineTime } from "./Cards";
import { Icon, Mark } from "./icons";

export interface Acts {
  press(choice: Choice): void;
  resend(clientId: string): void;
  discard(clientId: string): void;
  rate(messageId: string, score: number): Promise<void>;
}

interface Props {
  line: Line;
  /** The first of several by the same author: it carries the name. */
  first: boolean;
  /** Its buttons still count. */
  live: boolean;
  /** It is the newest word on its operation. */
  newest: boolean;
  /** It is the last that offers something: what it offers first is what is asked for. */
  asks: boolean;
  /** The customer's newest line that a person has read. */
  read: boolean;
  busy: boolean;
  signedIn: boolean;
  given: number | undefined;
  language: Language;
  words: Words;
  acts: Acts;
}

function Text({ line, words }: { line: Line; words: Words }) {
  const text = unmask(line.text, words);
  if (line.author === "customer") return <p className="plain">{text}</p>;
  // The list that the card draws better is for channels without cards.
  const shown = line.card?.type === "bindings" ? text.split("\n").filter((row) => !/^\s*·/.test(row)).join("\n") : text;
  return <Markdown text={shown} />;
}

/** What the customer most likely wants: the first of several, or what leads on by itself. Not a lone "stop", and not "send again" where the code itself is awaited. */
const leads = (choice: Choice, at: number, line: Line): boolean => Boolean(choice.url || choice.action) || (at === 0 && line.buttons.length > 1 && line.card?.type !== "code");

export const LineView = memo(function LineView({ line, first, live, newest, asks, read, busy, signedIn, given, language, words, acts }: Props) {
  if (line.author === "system")
    return (
      <div className="line line--system" data-id={line.id}>
        <p>{line.text}</p>
        {line.card?.type === "rating" && <CardView card={line.card} live={newest} language={language} words={words} given={given} rate={(score) => acts.rate(line.id, score)} />}
      </div>
    );
  const mine = line.author === "customer";
  const who = mine ? words.you : line.author === "agent" ? line.agent || words.agent : words.assistant;
  const choices = live ? line.buttons.filter((choice) => choice.action !== "sign_in" || !signedIn) : [];
  return (
    <div className={`line line--${line.author}${first ? " line--first" : ""}`} data-id={line.id} data-state={line.state}>
      {!mine && first && <span className={line.author === "agent" ? "avatar avatar--small avatar--agent" : "avatar avatar--small"}>{line.author === "agent" ? <b aria-hidden="true">{who.slice(0, 1).toUpperCase()}</b> : <Mark />}</span>}
      <div className="line-body">
        <p className={mine || !first ? "visually-hidden" : "line-who"}>
          {who}
          <time dateTime={line.at}> {lineTime(line.at, language)}</time>
        </p>
        {line.text && (
          <div className="line-row">
            <Bubble type={mine ? "text" : "richtext"}>
              <Text line={line} words={words} />
            </Bubble>
            {!mine && <CopyButton text={line.text} label={words.copy} done={words.copied} />}
          </div>
        )}
        {line.card && <CardView card={line.card} live={newest} language={language} words={words} given={given} rate={(score) => acts.rate(line.id, score)} />}
        {choices.length > 0 && (
          <div className="choices" role="group" aria-label={words.options}>
            {choices.map((choice, at) => (
              <Button key={choice.token ?? choice.url ?? at} className="choice" color={asks && leads(choice, at, line) ? "primary" : undefined} disabled={busy} onClick={() => acts.press(choice)}>
                {choice.url && <Icon name="lock" />}
                <span>{choice.title}</span>
              </Button>
            ))}
          </div>
        )}
        {line.state === "failed" && line.clientId && (
          <p className="fault">
            <span>
              <Icon name="alert" /> {line.fault || words.failed}
            </span>
            <button type="button" onClick={() => acts.resend(line.clientId as string)}>
              {words.resend}
            </button>
            <button type="button" onClick={() => acts.discard(line.clientId as string)}>
              {words.discard}
            </button>
          </p>
        )}
        {read && (
          <p className="line-read" aria-hidden="true">
            <Icon name="check" />
            {words.read}
          </p>
        )}
        {line.state === "sending" && <span className="visually-hidden">{words.sending}</span>}
      </div>
    </div>
  );
});
