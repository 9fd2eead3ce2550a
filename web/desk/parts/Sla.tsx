import { ClockCircleOutlined } from "@ant-design/icons";
import { span, secondsSince, urgency, useNow } from "../format";
import type { Row } from "../types";
import { useWords } from "../words";

/** How long somebody waits and how long we have: calm, then amber, then red with the overrun. */
export function Sla({ row, wide = false }: { row: Row; wide?: boolean }) {
  const words = useWords();
  const now = useNow(1000);
  const ticket = row.ticket;
  if (!ticket) return null;
  const sla = ticket.sla;
  const queued = row.mode !== "human";
  // Taken is not answered yet: until a person has spoken, the first word is what is due.
  const first = queued || !sla?.responded_at;
  const since = first ? ticket.since : row.customer_at;
  const due = first ? sla?.first_response_due_at : sla?.next_response_due_at;
  if (!since || (!queued && !row.unanswered)) return null;
  const state = due ? urgency(since, due, now) : "fine";
  const waited = words.waiting(span(secondsSince(since, now), words));
  const rest = due ? (state === "late" ? words.overdue(span((now - Date.parse(due)) / 1000, words)) : words.due(span((Date.parse(due) - now) / 1000, words))) : "";
  return (
    <span className="sla" data-state={state} title={[waited, rest].filter(Boolean).join(" · ")}>
      <ClockCircleOutlined aria-hidden />
      {state === "late" && rest ? rest : wide && rest ? `${waited} · ${rest}` : waited}
    </span>
  );
}
