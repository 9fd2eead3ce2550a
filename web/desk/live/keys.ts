import { useEffect, useRef } from "react";

type Act = () => void;

const typing = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
const inDialog = (): boolean => document.querySelector("[role=dialog][aria-modal=true]:not([style*='display: none'], [class*='-leave'])") !== null;

/** Names a key press: `n`, `?`, `alt+h`, `alt+enter`. Alt goes by the key's place, since on a Mac it changes the letter. */
export function nameOf(event: KeyboardEvent): string {
  if (event.ctrlKey || event.metaKey) return "";
  if (!event.altKey) return event.key.length === 1 ? event.key.toLowerCase() : event.key.toLowerCase();
  return "alt+" + event.code.replace(/^(Key|Digit|Numpad)/, "").toLowerCase();
}

/**
 * Runs an act when its key is pressed. Plain letters rest while somebody types or a dialog is open; Alt combinations work while typing too.
 * What is `everywhere` rests where the page itself has the same key: it listens one step further out, whoever came first.
 */
export function useKeys(acts: Record<string, Act | undefined | false>, everywhere = false): void {
  const latest = useRef(acts);
  latest.current = acts;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.repeat) return;
      const name = nameOf(event);
      const act = latest.current[name];
      if (!act || inDialog() || (!name.startsWith("alt+") && typing(event.target))) return;
      event.preventDefault();
      act();
    };
    const place = everywhere ? window : document;
    const heard = pressed as EventListener;
    place.addEventListener("keydown", heard);
    return () => place.removeEventListener("keydown", heard);
  }, [everywhere]);
}
