import { useEffect, useRef, useState } from "react";
import type { Language } from "../../shared/types";
import type { PhoneMessage } from "../sandbox";
import type { Words } from "../words";
import { Note } from "./Note";

/** Long enough to read, and to copy a code. */
const SHOWN_MS = { plain: 6_000, code: 15_000 };
const COPIED_MS = 1_100;
/** From here on the pretend phone stands beside the chat. */
const BESIDE = "(min-width: 1160px)";
const idOf = (message: PhoneMessage): string => message.id ?? message.at + message.text;

/**
 * On a narrow screen the chat covers the pretend phone, so what arrives slides in from above, as on a real one. It is a
 * popover: the top layer is over the chat, too. The phone's list keeps every message, so nothing is lost when it goes.
 */
export function Banner({ messages, language, words }: { messages: PhoneMessage[] | null; language: Language; words: Words }) {
  const [shown, setShown] = useState<PhoneMessage | null>(null);
  const known = useRef<string | null>(null);
  const loaded = useRef(false);
  const box = useRef<HTMLDivElement>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const hideIn = (ms: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setShown(null), ms);
  };
  const stay = () => clearTimeout(timer.current);

  const ready = messages !== null;
  const newest = messages?.[messages.length - 1];
  const id = newest ? idOf(newest) : null;
  useEffect(() => {
    if (!ready) {
      loaded.current = false; // another account's phone
      return;
    }
    const news = loaded.current && known.current !== id;
    loaded.current = true;
    known.current = id;
    if (!news || !newest || window.matchMedia(BESIDE).matches) return;
    setShown(newest);
    hideIn(newest.code ? SHOWN_MS.code : SHOWN_MS.plain);
    // eslint-disable-next-line
  }, [id, ready]);
  useEffect(() => stay, []);
  useEffect(() => {
    const layer = box.current;
    if (!shown || !layer?.showPopover) return;
    layer.setAttribute("popover", "manual");
    layer.showPopover();
  }, [shown]);

  if (!shown) return null;
  return (
    <div ref={box} className="banner" role="region" aria-label={words.banner} onPointerEnter={stay} onPointerLeave={() => hideIn(SHOWN_MS.plain)} onFocus={stay} onBlur={() => hideIn(SHOWN_MS.plain)}>
      <Note key={idOf(shown)} message={shown} language={language} words={words} copied={() => hideIn(COPIED_MS)} />
      <button type="button" className="banner-hide" onClick={() => setShown(null)} aria-label={words.hide}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M4 4l8 8m0-8l-8 8" />
        </svg>
      </button>
    </div>
  );
}
