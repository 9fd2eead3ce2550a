import { useState } from "react";
import { copyText } from "../../shared/clipboard";
import type { Language } from "../../shared/types";
import type { PhoneMessage } from "../sandbox";
import type { Words } from "../words";

export const clock = (at: Date, language: Language): string =>
  new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit", hour12: false }).format(at);

/** One SMS or push; a code in it can be copied. `copied` is told when it was. */
export function Note({ message, language, words, copied: told }: { message: PhoneMessage; language: Language; words: Words; copied?: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!message.code || !(await copyText(message.code))) return;
    setCopied(true);
    told?.();
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="note" data-kind={message.kind}>
      <p className="note-head">
        <span className="note-app" aria-hidden="true" />
        <b>{message.kind === "sms" ? words.sms : words.push}</b>
        <time dateTime={message.at}>{clock(new Date(message.at), language)}</time>
      </p>
      <p className="note-text">{message.text}</p>
      {message.code && (
        <button type="button" className="note-code" onClick={() => void copy()}>
          <span className="mono">{message.code}</span>{" "}
          <small>{copied ? words.copied : words.copyCode}</small>
        </button>
      )}
    </div>
  );
}
