import { Typing } from "@chatui/core";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { liveFrom, readLine } from "../lines";
import type { State } from "../state";
import type { Words } from "../words";
import { Icon } from "./icons";
import { LineView, type Acts } from "./LineView";

const NEAR_PX = 120;

/** The lines, as one polite log: a screen reader reads what is added, once, and is not interrupted. */
export function Log({ state, words, acts, showTyping }: { state: State; words: Words; acts: Acts; showTyping: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [below, setBelow] = useState(false);
  const { lines, firstUnread } = state;
  const live = liveFrom(lines);
  const newest = useMemo(() => {
    const found = new Map<string, string>();
    for (const line of lines) if (line.card?.type === "operation" && "id" in line.card) found.set(line.card.id, line.id);
    return new Set(found.values());
  }, [lines]);
  const last = lines[lines.length - 1];
  const read = state.mode === "human" ? readLine(lines, state.read) : undefined;
  const mine = [...lines].reverse().find((line) => line.author === "customer");
  const asking = [...lines].reverse().find((line) => line.buttons.length)?.id;

  const toEnd = useCallback((smooth: boolean) => {
    const box = scroller.current;
    if (!box) return;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    box.scrollTo({ top: box.scrollHeight, behavior: smooth && !calm ? "smooth" : "auto" });
  }, []);

  const scrolled = () => {
    const box = scroller.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    if (atEnd.current) setBelow(false);
  };

  useLayoutEffect(() => {
    if (atEnd.current || last?.state === "sending") toEnd(lines.length > 1);
    else setBelow(true);
  }, [lines.length, last?.state, toEnd]);
  useEffect(() => {
    if (atEnd.current) toEnd(true);
  }, [showTyping, state.notice, toEnd]);
  useEffect(() => {
    const box = scroller.current;
    if (!box || !("ResizeObserver" in window)) return;
    // The keyboard of a phone, or a card that grows: what was at the end stays at the end.
    const seen = new ResizeObserver(() => atEnd.current && toEnd(false));
    seen.observe(box);
    return () => seen.disconnect();
  }, [toEnd]);

  return (
    <div className="log-wrap">
      <div className="log" ref={scroller} onScroll={scrolled} tabIndex={0} role="log" aria-live="polite" aria-relevant="additions" aria-label={words.log} aria-busy={state.phase === "starting"}>
        <div className="log-lines">
          {lines.map((line, at) => {
            const before = lines[at - 1];
            const marked = line.id === firstUnread;
            return (
              <div key={line.key} className="log-item">
                {marked && (
                  <p className="marker">
                    <span>{words.newMessages}</span>
                  </p>
                )}
                <LineView
                  line={line} first={!before || before.author !== line.author || before.agent !== line.agent || marked} live={at >= live && !line.state} busy={state.busy || state.signingIn}
                  newest={newest.has(line.id)} asks={line.id === asking} read={line === read} signedIn={state.signedIn && !state.signInNeeded} given={state.rated[line.id]} language={state.language} words={words} acts={acts}
                />
              </div>
            );
          })}
        </div>
        {showTyping && (
          <div className="line line--bot line--typing" aria-hidden="true">
            <Typing />
          </div>
        )}
      </div>
      <p className="visually-hidden" role="status">
        {showTyping ? words.typing : ""}
      </p>
      {/* Said once for each time that the customer's newest line is read, and not again when typing begins or ends. */}
      <p className="visually-hidden" role="status">
        {read && read === mine ? words.readByAgent : ""}
      </p>
      {below && (
        <button type="button" className="to-end" onClick={() => toEnd(true)} aria-label={words.toNewest}>
          <Icon name="down" />
          {words.newMessages}
        </button>
      )}
    </div>
  );
}
