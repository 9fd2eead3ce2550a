import { useQueryClient } from "@tanstack/react-query";
import { App, Button } from "antd";
import { useCallback, useEffect, useRef } from "react";
import { useLocation } from "wouter";
import { shortId } from "../chats/ChatRow";
import { keep, kept } from "../kept";
import { useMe } from "../session";
import type { Page, Row } from "../types";
import { useWords } from "../words";
import { chime } from "./chime";
import { newsroom } from "./news";

const SHOWN_S = 10;
const LOOK_EVERY_MS = 5000;

export const alertsOn = (): boolean => kept("alerts") !== "off";

/** Turns sounds and notices on or off; asks the browser for its notices the first time. */
export function setAlerts(on: boolean): void {
  keep("alerts", on ? "on" : "off");
  if (!on) return;
  chime(false);
  if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
}

/** Returns an ear for talks: a sound when somebody waits, a customer of mine writes or a talk is given to me; a notice where I am not looking. Supervisors also hear of who waits too long. */
export function useAlerts(): (row: Row) => void {
  const me = useMe();
  const words = useWords();
  const client = useQueryClient();
  const [path, go] = useLocation();
  const { notification } = App.useApp();
  const latest = useRef({ me, words, path, go, notification });
  latest.current = { me, words, path, go, notification };

  const show = useCallback((key: string, title: string, id: string, urgent: boolean) => {
    const { words: now, go: open, notification: box } = latest.current;
    chime(urgent);
    // Nothing of what the customer said: a screen's corner is read by others too.
    if (document.hidden && "Notification" in window && Notification.permission === "granted") {
      const notice = new Notification(title, { tag: key });
      notice.onclick = () => {
        window.focus();
        open(`/chats/${id}`);
        notice.close();
      };
    }
    box[urgent ? "warning" : "info"]({
      key,
      title,
      duration: SHOWN_S,
      placement: "bottomLeft", // what one works at is on the right
      actions: (
        <Button
          size="small"
          onClick={() => {
            box.destroy(key);
            open(`/chats/${id}`);
          }}
        >
          {now.alerts.open}
        </Button>
      ),
    });
  }, []);

  // Who waits too long is told to supervisors, once.
  const late = useRef(new Set<string>());
  useEffect(() => {
    if (!me.supervisor) return;
    const look = () => {
      if (!alertsOn()) return;
      const found = (client.getQueryData<Page<Row>>(["rows", "queue"])?.items ?? []).filter((row) => {
        const due = row.mode === "queue" ? row.ticket?.sla?.first_response_due_at : null;
        const key = `${row.ticket?.id}:${due}`;
        if (!due || Date.parse(due) > Date.now() || late.current.has(key)) return false;
        late.current.add(key);
        return true;
      });
      const first = found[0];
      const told = latest.current.words.alerts;
      if (first) show("late", found.length === 1 ? told.late(shortId(first.id)) : told.lateMany(found.length), first.id, true);
    };
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, [client, me.supervisor, show]);

  return useCallback(
    (row: Row) => {
      const { me: mine, words: now, path: here } = latest.current;
      const lists = ["queue", "mine"].map((state) => client.getQueryData<Page<Row>>(["rows", state]));
      lists.forEach((list) => list?.items.forEach((one) => newsroom.keep(one)));
      if (lists.includes(undefined)) return newsroom.keep(row); // how it was is not known yet
      const news = newsroom.hear(row, mine.username, mine.languages ?? ["zh", "en"]);
      if (!news || !alertsOn() || (news === "waiting" && mine.status === "away")) return;
      const looking = !document.hidden && here === `/chats/${row.id}`;
      const name = shortId(row.id);
      const urgent = row.ticket?.priority === "high";
      if (news === "given") {
        if (!looking) show(`given:${row.id}`, now.alerts.given(name), row.id, urgent);
      } else if (news === "waiting") {
        // In plain sight of the queue a sound is enough; what is urgent is shown wherever one is.
        if (urgent || document.hidden || !here.startsWith("/chats")) show(`waiting:${row.id}`, urgent ? now.alerts.urgent(now.reasons[row.ticket?.reason ?? ""] ?? "") : now.alerts.waiting, row.id, urgent);
        else chime(false);
      } else if (!looking) {
        if (document.hidden || !here.startsWith("/chats")) show(`wrote:${row.id}`, now.alerts.wrote(name), row.id, false);
        else chime(false);
      }
    },
    [client, show],
  );
}
