import { Card as Frame, CardContent } from "@chatui/core";
import { useState } from "react";
import { copyText } from "../../shared/clipboard";
import type { BindingsCard, Card, Language, OperationCard } from "../../shared/types";
import type { Words } from "../words";
import { Icon, Star, type IconName } from "./icons";

const locale = (language: Language) => (language === "zh" ? "zh-CN" : "en-GB");
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;

/** Returns a moment in the bank's time zone, as the sentences beside the cards have it. */
export function bankTime(text: string | null | undefined, language: Language): string {
  const at = new Date(text ?? "");
  if (Number.isNaN(at.getTime())) return "";
  return new Intl.DateTimeFormat(locale(language), { ...CLOCK, month: language === "zh" ? "long" : "short", day: "numeric", timeZone: "Asia/Shanghai" }).format(at);
}

/** Returns a line's time by the customer's clock: today only the hour. */
export function lineTime(text: string, language: Language, now = new Date()): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return "";
  // The usual case without Intl, whose first use takes a slow phone a moment.
  if (at.toDateString() === now.toDateString()) return [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  return new Intl.DateTimeFormat(locale(language), { ...CLOCK, month: language === "zh" ? "long" : "short", day: "numeric" }).format(at);
}

const TONES: Record<string, { tone: string; icon: IconName }> = {
  succeeded: { tone: "good", icon: "check" },
  failed: { tone: "bad", icon: "cross" },
  cancelled: { tone: "still", icon: "cross" },
  expired: { tone: "still", icon: "clock" },
  awaiting_verification: { tone: "busy", icon: "lock" },
  processing: { tone: "busy", icon: "clock" },
  pending: { tone: "busy", icon: "clock" },
  manual_review: { tone: "busy", icon: "clock" },
};

export function CopyButton({ text, label, done }: { text: string; label: string; done: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), 1600);
  };
  return (
    <button type="button" className="copy" onClick={() => void copy()} aria-label={copied ? done : label} title={copied ? done : label}>
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}

/** How far a request is. `live`: it is the newest word on it, so what runs may move. */
function Progress({ status, live, words }: { status: string; live: boolean; words: Words }) {
  const reached = status === "awaiting_verification" ? 0 : status === "succeeded" ? 3 : 1;
  return (
    <ol className="progress" data-live={live || undefined}>
      {words.card.steps.map((step, at) => (
        <li key={step} data-state={at < reached ? "done" : at === reached ? "now" : "next"} aria-current={at === reached ? "step" : undefined}>
          {step}
        </li>
      ))}
    </ol>
  );
}

/** `live`: there is no later word on it; one that has gone on since does not look as though it still waits. */
function Operation({ card, live, language, words }: { card: OperationCard; live: boolean; language: Language; words: Words }) {
  const { tone, icon } = TONES[card.status] ?? { tone: "still", icon: "clock" as IconName };
  const running = ["awaiting_verification", "processing", "pending", "manual_review"].includes(card.status);
  // What was refused or called off changes nothing.
  const effects = (running || card.status === "succeeded" ? (card.effects ?? []) : []).flatMap((effect) => words.effects[effect.code]?.(effect) ?? []);
  const reason = card.reason ? words.reasons[card.reason] : undefined;
  return (
    <Frame className="operation" data-tone={running && !live ? "still" : tone} data-status={card.status}>
      <div className="operation-head">
        <span className="operation-icon">
          <Icon name={icon} />
        </span>
        <div>
          <p className="operation-kind">
            <span>{words.kinds[card.kind] ?? card.kind}</span>
            <span className="operation-status">{words.statuses[card.status] ?? card.status}</span>
          </p>
          <p className="operation-target">{card.target}</p>
        </div>
      </div>
      {((running && live) || card.status === "succeeded") && <Progress status={card.status} live={running} words={words} />}
      <CardContent className="operation-facts">
        <dl>
          {card.reference && (
            <div>
              <dt>{words.card.reference}</dt>
              <dd>
                <span className="mono">{card.reference}</span>
                <CopyButton text={card.reference} label={words.card.copyReference} done={words.copied} />
              </dd>
            </div>
          )}
          {reason && (
            <div>
              <dt>{words.card.reason}</dt>
              <dd>{reason}</dd>
            </div>
          )}
          {running && card.eta && (
            <div>
              <dt>{words.card.eta}</dt>
              <dd>{bankTime(card.eta, language)}</dd>
            </div>
          )}
          {effects.length > 0 && (
            <div>
              <dt>{words.card.effects}</dt>
              <dd>
                <ul>
                  {effects.map((effect) => (
                    <li key={effect}>{effect}</li>
                  ))}
                </ul>
              </dd>
            </div>
          )}
          {card.at && bankTime(card.at, language) && (
            <div>
              <dt>{words.card.at}</dt>
              <dd>
                <time dateTime={card.at}>{bankTime(card.at, language)}</time>
              </dd>
            </div>
          )}
        </dl>
      </CardContent>
    </Frame>
  );
}

function Bindings({ card, words }: { card: BindingsCard; words: Words }) {
  return (
    <Frame className="bindings">
      <section aria-label={words.card.cards}>
        <h2>
          <Icon name="card" />
          {words.card.cards}
          <small>{card.cards.length}</small>
        </h2>
        {card.cards.length === 0 && <p className="bindings-none">{words.card.none}</p>}
        <ul>
          {card.cards.map((one) => (
            <li key={one.id}>
              <span className="bank" data-bank={one.bank} aria-hidden="true" />
              <span className="bindings-name">{one.name}</span>
              <span className={one.quick_pay ? "tag tag--on" : "tag"}>{one.quick_pay ? words.card.quickPay : words.card.quickPayOff}</span>
            </li>
          ))}
        </ul>
      </section>
      <section aria-label={words.card.wallets}>
        <h2>
          <Icon name="wallet" />
          {words.card.wallets}
          <small>{card.wallets.length}</small>
        </h2>
        {card.wallets.length === 0 && <p className="bindings-none">{words.card.none}</p>}
        <ul>
          {card.wallets.map((one) => (
            <li key={one.id}>
              <span className="bank" data-bank={one.kind} aria-hidden="true" />
              <span className="bindings-name">{one.name}</span>
            </li>
          ))}
        </ul>
      </section>
    </Frame>
  );
}

/**
 * Five stars: one press is the answer. The stars keep the focus when they are done. They fill under a pointer that moves:
 * it enters a star also where the card comes up under a pointer at rest, and nobody has given five stars then.
 */
export function Rating({ given, rate, words }: { given: number | undefined; rate: (score: number) => Promise<void>; words: Words }) {
  const [sent, setSent] = useState<number | undefined>(given);
  const [over, setOver] = useState(0);
  const score = given ?? sent;
  const choose = async (value: number) => {
    setSent(value);
    try {
      await rate(value);
    } catch {
      setSent(undefined);
    }
  };
  return (
    <Frame className="rating">
      <p role="status">{score ? words.thanks : words.rate}</p>
      <div role="group" aria-label={words.rate} onMouseLeave={() => setOver(0)}>
        {[1, 2, 3, 4, 5].map((value) => (
          <button key={value} type="button" aria-label={words.stars(value)} aria-pressed={score === value} aria-disabled={score !== undefined} onMouseMove={() => setOver(value)} onClick={() => score === undefined && void choose(value)}>
            <Star full={value <= (score ?? over)} />
          </button>
        ))}
      </div>
    </Frame>
  );
}

interface Props {
  card: Card;
  live: boolean;
  language: Language;
  words: Words;
  given: number | undefined;
  rate: (score: number) => Promise<void>;
}

/** Draws a card; a kind that is not known is left to the text beside it. */
export function CardView({ card, live, language, words, given, rate }: Props) {
  if (card.type === "operation" && "target" in card) return <Operation card={card} live={live} language={language} words={words} />;
  if (card.type === "bindings" && "cards" in card) return <Bindings card={card} words={words} />;
  if (card.type === "rating") return <Rating given={given} rate={rate} words={words} />;
  return null;
}
