import type { Queue } from "../api";
import type { Page, Row } from "../types";

const belongs = (row: Row, state: Queue, me: string): boolean => {
  if (state === "all") return true;
  if (state === "mine") return row.mode === "human" && row.agent === me;
  return row.mode !== "human" && row.ticket !== null && !row.ticket.taken_by;
};

/** The queue in the order of service; the others by what moved last. */
function ordered(rows: Row[], state: Queue): Row[] {
  // Messages left out of hours come after everybody who waits.
  const rank = (row: Row) => (row.mode === "queue" ? 0 : 2) + (row.ticket?.priority === "high" ? 0 : 1);
  const by = state === "queue" ? (a: Row, b: Row) => rank(a) - rank(b) || Date.parse(a.ticket?.since ?? "") - Date.parse(b.ticket?.since ?? "") : (a: Row, b: Row) => Date.parse(b.updated_at) - Date.parse(a.updated_at);
  return [...rows].sort(by);
}

/** Returns a list with a row's newest state: put in, moved, or taken out. */
export function placed(page: Page<Row>, row: Row, state: Queue, me: string): Page<Row> {
  const others = page.items.filter((one) => one.id !== row.id);
  return { ...page, items: belongs(row, state, me) ? ordered([...others, row], state) : others };
}
