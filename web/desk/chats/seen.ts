import { useEffect } from "react";
import { api } from "../api";

/** Tells the customer that their newest line was read: once a line, and only while somebody can look at the page. */
export function useSeen(id: string, newest: string | undefined, mine: boolean): void {
  useEffect(() => {
    if (!mine || !newest) return;
    let told = false;
    const tell = () => {
      if (told || document.visibilityState !== "visible") return;
      told = true;
      // What is lost is told with the next line.
      void api.seen(id, newest).catch(() => null);
    };
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [id, newest, mine]);
}
