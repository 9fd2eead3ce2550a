import { App, Button } from "antd";
import { useCallback, useRef } from "react";
import { useLocation } from "wouter";
import { useMe } from "../session";
import { useWords } from "../words";
import type { CallNews } from "./stream";

const SHOWN_S = 12;

/** Returns an ear for calls that shows how an operation of one's own call ended, when one is looking elsewhere. */
export function useCallOutcomes(): (call: CallNews) => void {
  const me = useMe();
  const words = useWords();
  const [path, go] = useLocation();
  const { notification } = App.useApp();
  const told = useRef(new Set<string>());
  const latest = useRef({ me, words, path, go, notification });
  latest.current = { me, words, path, go, notification };
  return useCallback((call: CallNews) => {
    const { me: mine, words: now, path: here, go: open, notification: show } = latest.current;
    const { line } = call;
    if (line?.speaker !== "system" || call.agent !== mine.username || told.current.has(line.id)) return;
    told.current.add(line.id);
    const there = `/calls/${call.id}`;
    if (here === there) return;
    show.info({
      key: line.id,
      title: now.calls.outcome(call.phone),
      description: line.text,
      duration: SHOWN_S,
      actions: (
        <Button
          size="small"
          onClick={() => {
            show.destroy(line.id);
            open(there);
          }}
        >
          {now.calls.open}
        </Button>
      ),
    });
  }, []);
}
