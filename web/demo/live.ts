import { useEffect, useRef, useState } from "react";
import { Problem } from "../shared/api";

export type Health = "ok" | "off" | "lost";

/** Asks again and again while the page is in front; keeps the last good answer. A 404 means that it is not there. */
export function useLive<T>(ask: (() => Promise<T>) | null, everyMs: number, key: string): { value: T | null; health: Health; again: () => void } {
  const [value, setValue] = useState<T | null>(null);
  const [health, setHealth] = useState<Health>("ok");
  const [round, setRound] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => setValue(null), [key]);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout>;
    let shown = "";
    const turn = async () => {
      if (document.visibilityState === "visible" && latest.current) {
        try {
          const found = await latest.current();
          if (over) return;
          const text = JSON.stringify(found);
          if (text !== shown) setValue(found);
          shown = text;
          setHealth("ok");
        } catch (error) {
          if (over) return;
          setHealth(error instanceof Problem && error.status === 404 ? "off" : "lost");
        }
      }
      timer = setTimeout(() => void turn(), everyMs);
    };
    void turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [everyMs, key, round]);
  return { value, health, again: () => setRound((now) => now + 1) };
}

/** Keeps what just left for a moment, so that it can be seen leaving. */
export function useLeaving<T>(items: T[], idOf: (item: T) => string, scope: string, ms = 700): { item: T; leaving: boolean }[] {
  const [gone, setGone] = useState<{ item: T; at: number }[]>([]);
  const before = useRef<{ scope: string; items: T[] }>({ scope, items });
  const ids = items.map(idOf).join("|");
  useEffect(() => {
    const was = before.current;
    before.current = { scope, items };
    if (was.scope !== scope) {
      setGone([]);
      return;
    }
    const here = new Set(items.map(idOf));
    const left = was.items.flatMap((item, at) => (here.has(idOf(item)) ? [] : [{ item, at }]));
    if (!left.length) return;
    setGone((now) => [...now, ...left]);
    const timer = setTimeout(() => setGone((now) => now.filter((one) => !left.includes(one))), ms);
    return () => clearTimeout(timer);
    // eslint-disable-next-line
  }, [ids, scope]);
  const shown = items.map((item) => ({ item, leaving: false }));
  for (const one of gone) if (!shown.some((now) => idOf(now.item) === idOf(one.item))) shown.splice(one.at, 0, { item: one.item, leaving: true });
  return shown;
}
