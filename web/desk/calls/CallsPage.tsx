import { PhoneOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Empty, Segmented, Skeleton } from "antd";
import { useState } from "react";
import { Link } from "wouter";
import { api } from "../api";
import { moment } from "../format";
import { useMore } from "../live/more";
import { Failed } from "../parts/Failed";
import { useMe } from "../session";
import type { Call } from "../types";
import { useLanguage, useWords } from "../words";
import { CallView } from "./CallView";
import { NewCall } from "./NewCall";

function CallRow({ call, open }: { call: Call; open: boolean }) {
  const words = useWords();
  const language = useLanguage();
  const me = useMe();
  return (
    <Link href={`/calls/${call.id}`} className="row" aria-current={open ? "true" : undefined}>
      <span className="row-top">
        <span className="lang" data-language={call.language}>
          {words.languageShort[call.language]}
        </span>
        <b className="mono">{call.phone}</b>
        <time dateTime={call.started_at}>{moment(call.started_at, language)}</time>
      </span>
      <span className="row-tags">
        <span className="chip" data-tone={call.state === "verified" ? "good" : call.state === "failed" ? "bad" : undefined}>
          {words.calls.states[call.state]}
        </span>
        {call.wrap_up && <span className="quiet">{words.wrapUps[call.wrap_up] ?? call.wrap_up}</span>}
        {call.agent !== me.username && <span className="quiet">{words.ownedBy(call.agent_name ?? call.agent)}</span>}
      </span>
    </Link>
  );
}

/** Running and ended calls on the left, the open one beside them. */
export function CallsPage({ id }: { id: string | null }) {
  const words = useWords();
  const me = useMe();
  const [all, setAll] = useState(false);
  const state = all && me.supervisor ? "all" : "mine";
  const calls = useQuery({ queryKey: ["calls", state], queryFn: () => api.calls(state), placeholderData: (before) => before });
  const items = calls.data?.items ?? [];
  const more = useMore(["calls", state], (cursor) => api.calls(state, cursor));
  const groups = [
    { title: words.calls.mine, items: items.filter((one) => one.state !== "ended") },
    { title: words.calls.past, items: items.filter((one) => one.state === "ended") },
  ];
  return (
    <div className="chats">
      <section className="list" aria-label={words.calls.label}>
        <NewCall />
        {me.supervisor && (
          <Segmented
            className="list-switch"
            size="small"
            block
            aria-label={words.calls.whose}
            value={state}
            onChange={(value) => setAll(value === "all")}
            options={[
              { value: "mine", label: words.calls.ofMine },
              { value: "all", label: words.calls.ofAll },
            ]}
          />
        )}
        <div className="list-body">
          {calls.isPending && <Skeleton active title={false} className="page-pad" />}
          {calls.isError && <Failed again={() => void calls.refetch()} />}
          {groups.map((group) =>
            group.items.length ? (
              <section key={group.title} aria-label={group.title}>
                <h2 className="list-title">{group.title}</h2>
                <ul>
                  {group.items.map((call) => (
                    <li key={call.id}>
                      <CallRow call={call} open={call.id === id} />
                    </li>
                  ))}
                </ul>
              </section>
            ) : null,
          )}
          {calls.data?.next_cursor && (
            <Button block type="text" onClick={() => void more.load()} loading={more.busy}>
              {words.lists.more}
            </Button>
          )}
        </div>
      </section>
      {id ? (
        <CallView key={id} id={id} />
      ) : (
        <section className="nothing" aria-label={words.calls.pick}>
          <Empty image={<PhoneOutlined className="nothing-icon" />} description={<><h1>{words.calls.pick}</h1><p>{words.calls.pickHint}</p></>} />
        </section>
      )}
    </div>
  );
}
