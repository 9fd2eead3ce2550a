import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useComplain } from "../problems";
import type { Page } from "../types";

/** Returns an act that adds the next page to a list that is held; the list stays one, so that news finds its rows. */
export function useMore<T extends { id: string }>(key: string[], ask: (cursor: string) => Promise<Page<T>>) {
  const client = useQueryClient();
  const complain = useComplain();
  const [busy, setBusy] = useState(false);
  const load = async () => {
    const cursor = client.getQueryData<Page<T>>(key)?.next_cursor;
    if (!cursor) return;
    setBusy(true);
    try {
      const next = await ask(cursor);
      client.setQueryData<Page<T>>(key, (page) => {
        if (!page) return next;
        const known = new Set(page.items.map((one) => one.id));
        return { items: [...page.items, ...next.items.filter((one) => !known.has(one.id))], next_cursor: next.next_cursor };
      });
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return { load, busy };
}
