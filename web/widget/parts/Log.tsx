import { Typing } from "@chatui/core";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { answerFrom, beginsAnew, liveFrom, newestWords, readLine } from "../lines";
import type { State } from "../state";
import type { Words } from "../words";
import { Icon } from "./icons";
import { LineView, type Acts } from "./LineView";

/** What is this near to the end counts as the end. */
const NEAR_PX = 48;
const GAP_PX = 12;

/** The lines, as one polite log: a screen reader reads what is added, once, and is not interrupted. */
export function Log({ state, words, acts, showTyping }: { state: State; words: Words; acts: Acts; showTyping: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  /** The customer reads along: what is added is brought into sight. Who scrolls up, or has a long answer to read, is left alone. */
  const follows = useRef(true);
  const lastTop = useRef(0);
  const drawn = useRef(0);
  const held = useRef<string>();
  const [below, setBelow] = useState<"more" | "news" | null>(null);
  const { lines, firstUnread } = state;
  const live = liveFrom(lines);
  const newest = useMemo(() => newestWords(lines), [lines]);
  const last = lines[lines.length - 1];
  const read = state.mode === "human" ? readLine(lines, state.read) : undefined;
  const mine = [...lines].reverse().find((line) => line.author === "customer");
  const asking = [...lines].reverse().find((line) => line.buttons.length)?.id;

  const scrollTo = useCallback((top: number, smooth: boolean) => {
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    scroller.current?.scrollTo({ top, behavior: smooth && !calm ? "smooth" : "auto" });
  }, []);
  const toEnd = useCallback(
    (smooth: boolean) => {
      const box = scroller.current;
      if (!box) return;
      follows.current = true;
      scrollTo(box.scrollHeight, smooth);
    },
    [scrollTo],
  );
  /** Brings the newest answer into sight; one that is longer than the screen from its beginning. */
  const toAnswer = useCallback(
    (answer: string | undefined, smooth: boolean) => {
      const box = scroller.current;
      const first = answer && box?.querySelector<HTMLElement>(`[data-id="${CSS.escape(answer)}"]`);
      if (!box || !first) return toEnd(smooth);
      const end = box.scrollHeight - box.clientHeight;
      const begin = first.getBoundingClientRect().top - box.getBoundingClientRect().top + box.scrollTop - GAP_PX;
      if (end - begin <= NEAR_PX) return toEnd(smooth);
      follows.current = false;
      held.current = answer;
      setBelow("more");
      scrollTo(begin, smooth);
    },
    [scrollTo, toEnd],
  );

  const scrolled = () => {
    const box = scroller.current;
    if (!box) return;
    // A movement of ours goes down and may be far from its end still; only the customer goes up.
    if (box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX) {
      follows.current = true;
      setBelow(null);
    } else if (box.scrollTop < lastTop.current) follows.current = false;
    lastTop.current = box.scrollTop;
  };

  const answer = answerFrom(lines)?.id;
  useLayoutEffect(() => {
    const smooth = drawn.current > 0; // a history stands where it ends at once
    drawn.current = lines.length;
    if (last?.state === "sending") toEnd(smooth);
    else if (follows.current) toAnswer(answer, smooth);
    else if (answer !== held.current) setBelow("news");
  }, [lines.length, last?.state, answer, toEnd, toAnswer]);
  useEffect(() => {
    if (showTyping && follows.current) toEnd(true);
  }, [showTyping, toEnd]);
  useEffect(() => {
    const box = scroller.current;
    if (!box || !("ResizeObserver" in window)) return;
    // The keyboard of a phone, or a notice under the lines: what was at the end stays at the end.
    const seen = new ResizeObserver(() => follows.current && toEnd(false));
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
                  line={line} first={marked || beginsAnew(before, line)} live={at >= live && !line.state} busy={state.busy || state.signingIn}
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
        <button type="button" className="to-end" data-kind={below} onClick={() => toEnd(true)} aria-label={below === "more" ? words.more : undefined}>
          <Icon name="down" />
          {below === "news" && words.newMessages}
        </button>
      )}
    </div>
  );
}
