import { ForwardOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Empty, Select, Skeleton, Tabs } from "antd";
import { useState } from "react";
import { useLocation } from "wouter";
import { api, type Queue } from "../api";
import { keep, kept } from "../kept";
import { useKeys } from "../live/keys";
import { useMore } from "../live/more";
import { Failed } from "../parts/Failed";
import type { Language } from "../types";
import { useWords } from "../words";
import { ChatRow } from "./ChatRow";
import { useTakeNext } from "./taking";

const STATES: Queue[] = ["queue", "mine", "all"];

/** The three lists, and the button that takes who is next. */
export function ChatList({ open }: { open: string | null }) {
  const words = useWords();
  const [state, setState] = useState<Queue>(() => (STATES as string[]).includes(kept("list") ?? "") ? (kept("list") as Queue) : "queue");
  const [language, setLanguage] = useState<Language | "">("");
  const [, go] = useLocation();
  const takeNext = useTakeNext();
  const [busy, setBusy] = useState(false);
  const lists = {
    queue: useQuery({ queryKey: ["rows", "queue"], queryFn: () => api.rows("queue") }),
    mine: useQuery({ queryKey: ["rows", "mine"], queryFn: () => api.rows("mine") }),
    all: useQuery({ queryKey: ["rows", "all"], queryFn: () => api.rows("all"), enabled: state === "all" }),
  };
  const list = lists[state];
  const more = useMore(["rows", state], (cursor) => api.rows(state, cursor));
  const rows = (list.data?.items ?? []).filter((row) => !language || row.language === language);
  const show = (chosen: Queue) => {
    keep("list", chosen);
    setState(chosen);
  };
  const move = (by: number) => {
    const at = rows.findIndex((row) => row.id === open);
    const next = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (next) go(`/chats/${next.id}`);
  };
  useKeys({ j: () => move(1), k: () => move(-1) });
  const next = async () => {
    setBusy(true);
    await takeNext();
    show("mine");
    setBusy(false);
  };
  const count = (one: Queue) => (one === "all" ? "" : ` ${lists[one].data?.items.length ?? ""}`);
  return (
    <section className="list" aria-label={words.lists.label}>
      <div className="list-head">
        <Tabs
          activeKey={state}
          onChange={(key) => show(key as Queue)}
          size="small"
          items={STATES.map((one) => ({ key: one, label: <span className="tab-label">{words.lists[one]}<span className="tab-count">{count(one)}</span></span> }))}
        />
        <div className="list-tools">
          <Button type="primary" icon={<ForwardOutlined aria-hidden />} onClick={() => void next()} loading={busy} disabled={!lists.queue.data?.items.length} title="N">
            {words.lists.next}
          </Button>
          <Select<Language | "">
            aria-label={words.lists.language}
            value={language}
            onChange={setLanguage}
            options={[
              { value: "", label: words.lists.anyLanguage },
              { value: "zh", label: words.languages.zh },
              { value: "en", label: words.languages.en },
            ]}
          />
        </div>
      </div>
      <div className="list-body" tabIndex={-1}>
        {list.isPending && <Skeleton active title={false} className="page-pad" paragraph={{ rows: 6 }} />}
        {list.isError && <Failed again={() => void list.refetch()} />}
        {list.data && rows.length === 0 && (
          <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<><b>{words.emptyList[state]}</b><br />{words.emptyHint[state]}</>} />
        )}
        <ul>
          {rows.map((row) => (
            <li key={row.id}>
              <ChatRow row={row} open={row.id === open} />
            </li>
          ))}
        </ul>
        {list.data?.next_cursor && (
          <Button block type="text" onClick={() => void more.load()} loading={more.busy}>
            {words.lists.more}
          </Button>
        )}
      </div>
    </section>
  );
}
