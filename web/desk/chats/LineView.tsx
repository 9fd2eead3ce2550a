import { CheckOutlined, ClockCircleOutlined, RobotOutlined, WarningFilled } from "@ant-design/icons";
import { moment } from "../format";
import { AsideLine } from "../parts/AsideLine";
import { Rich } from "../parts/Rich";
import type { Message } from "../types";
import { said, useLanguage, useWords } from "../words";

interface Props {
  line: Message;
  selected: boolean;
  last: boolean;
  choose: (id: string) => void;
}

/** What was understood of a line, as a button that brings its suggestions. */
function Understood({ line, selected, choose }: Omit<Props, "last">) {
  const words = useWords();
  const language = useLanguage();
  const parse = line.parse;
  if (!parse?.intent) return null;
  const missed = parse.intent === "nlu_fallback" || parse.intent === "out_of_scope";
  const sure = parse.confidence === null || parse.confidence === undefined ? "" : words.talk.certainty(Math.round(parse.confidence * 100));
  return (
    <button type="button" className="intent" data-missed={missed || undefined} aria-pressed={selected} onClick={() => choose(line.id)} title={`${words.talk.understood} ${parse.intent} · ${sure}`}>
      {missed ? words.talk.notUnderstood : said(parse.title, language, parse.intent)}
      {sure && !missed && <small>{Math.round((parse.confidence ?? 0) * 100)}%</small>}
    </button>
  );
}

function Delivery({ line, last }: { line: Message; last: boolean }) {
  const words = useWords();
  if (line.delivery_failed || line.delivery === "failed")
    return (
      <span className="delivery" data-failed>
        <WarningFilled aria-hidden /> {line.delivery_failed ? words.talk.failedWhy(line.delivery_failed) : words.talk.failed}
      </span>
    );
  if (line.author !== "agent" || !last) return null;
  if (line.seen)
    return (
      <span className="delivery">
        <CheckOutlined aria-hidden /> {words.talk.seen}
      </span>
    );
  if (line.delivery === "waiting")
    return (
      <span className="delivery">
        <ClockCircleOutlined aria-hidden /> {words.talk.waitingDelivery}
      </span>
    );
  return line.delivery === "sent" ? <span className="delivery">{words.talk.delivered}</span> : null;
}

/** One line of a talk. */
export function LineView({ line, selected, last, choose }: Props) {
  const words = useWords();
  const language = useLanguage();
  if (line.author === "system" || line.author === "note") return <AsideLine kind={line.author} text={line.text} at={line.at} by={line.agent ?? undefined} />;
  const name = line.author === "customer" ? words.customer : line.author === "bot" ? words.talk.bot : (line.agent ?? "");
  return (
    <div className={`line line--${line.author}`} data-selected={selected || undefined}>
      <p className="line-by">
        {line.author === "bot" && <RobotOutlined aria-hidden />} {name} <time dateTime={line.at}>{moment(line.at, language)}</time>
      </p>
      <div className="bubble" lang={line.parse?.language === "zh" ? "zh-CN" : line.parse?.language === "en" ? "en" : undefined}>
        <Rich text={line.text} />
        {line.card?.type === "operation" && (
          <span className="bubble-card" data-status={line.card.status}>
            {words.kinds[line.card.kind ?? ""] ?? ""} · {line.card.target} · <b>{words.statuses[line.card.status ?? ""] ?? line.card.status}</b>
          </span>
        )}
      </div>
      {line.buttons.length > 0 && (
        <p className="line-buttons" aria-label={words.talk.buttons}>
          {line.buttons.map((button) => (
            <span key={button.title}>{button.title}</span>
          ))}
        </p>
      )}
      <div className="line-foot">
        {line.author === "customer" && <Understood line={line} selected={selected} choose={choose} />}
        {line.author !== "customer" && <Delivery line={line} last={last} />}
      </div>
    </div>
  );
}
