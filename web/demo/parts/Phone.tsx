import { useEffect, useRef, useState } from "react";
import type { Language } from "../../shared/types";
import type { PhoneMessage } from "../sandbox";
import type { Words } from "../words";
import { clock, Note } from "./Note";

/** A phone that shows what the sandbox's phone company delivered, the newest on top. */
export function Phone({ messages, language, words }: { messages: PhoneMessage[]; language: Language; words: Words }) {
  const [time, setTime] = useState(() => new Date());
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const timer = setInterval(() => setTime(new Date()), 15_000);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => {
    list.current?.scrollTo({ top: 0 });
    setTime(new Date()); // never earlier than the message
  }, [messages.length]);
  const day = new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : "en-GB", { month: "long", day: "numeric", weekday: "long" }).format(time);
  return (
    <section className="phone" aria-label={words.phone}>
      <div className="phone-screen">
        <p className="phone-bar" aria-hidden="true">
          <span>{clock(time, language)}</span>
          <i />
          <span className="phone-signal" />
        </p>
        <p className="phone-clock" aria-hidden="true">
          {clock(time, language)}
          <small>{day}</small>
        </p>
        {messages.length === 0 && <p className="phone-empty">{words.phoneEmpty}</p>}
        <ul ref={list} aria-live="polite" aria-relevant="additions" tabIndex={messages.length > 1 ? 0 : undefined} aria-label={words.phone}>
          {[...messages].reverse().map((message, at) => (
            <li key={message.id ?? `${messages.length - at}`}>
              <Note message={message} language={language} words={words} />
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}
