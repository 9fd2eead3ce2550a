import { CheckCircleFilled, WarningFilled } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Input, Select, Skeleton } from "antd";
import { useState } from "react";
import { Link } from "wouter";
import { api } from "../api";
import { moment } from "../format";
import { Failed } from "../parts/Failed";
import { Grid } from "../parts/Grid";
import { useLanguage, useWords } from "../words";

const told = (detail: Record<string, unknown>): string => Object.entries(detail).filter(([, value]) => value !== null && value !== undefined).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`).join(" · ");

/** The talk or call of a line, as a link. */
function Where({ id }: { id: string }) {
  const page = id.startsWith("conv_") ? "chats" : id.startsWith("call_") ? "calls" : null;
  return page ? (
    <Link href={`/${page}/${id}`} className="mono">
      …{id.slice(-6)}
    </Link>
  ) : (
    <span className="mono">{id}</span>
  );
}

/** Who saw or did what; and whether the chain of lines is whole. */
export default function AuditPage() {
  const words = useWords();
  const language = useLanguage();
  const [filter, setFilter] = useState({ agent: "", action: "", conversation_id: "" });
  const set = (name: keyof typeof filter) => (value: string) => setFilter((now) => ({ ...now, [name]: value.trim() }));
  const audit = useInfiniteQuery({
    queryKey: ["audit", filter],
    queryFn: ({ pageParam }) => api.audit({ agent: filter.agent || undefined, action: filter.action || undefined, conversation_id: filter.conversation_id || undefined, before: pageParam }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (last) => (last.items.length >= 200 ? last.items.at(-1)?.number : undefined),
    staleTime: 0,
  });
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const broken = audit.data?.pages[0]?.broken_at;
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{words.audit.title}</h1>
          <p className="lead">{words.audit.lead}</p>
        </div>
        {audit.data && (
          <p className="whole" data-broken={broken !== null || undefined} role="status">
            {broken === null ? <CheckCircleFilled aria-hidden /> : <WarningFilled aria-hidden />} {broken === null || broken === undefined ? words.audit.whole : words.audit.broken(broken)}
          </p>
        )}
      </header>
      <div className="box-tools">
        <Input.Search allowClear className="filter" aria-label={words.audit.filterAgent} placeholder={words.audit.filterAgent} onSearch={set("agent")} />
        <Select<string>
          allowClear
          showSearch={{ optionFilterProp: "label" }}
          className="filter"
          aria-label={words.audit.filterAction}
          placeholder={words.audit.filterAction}
          value={filter.action || undefined}
          onChange={(value) => set("action")(value ?? "")}
          options={Object.entries(words.audit.actions).map(([value, label]) => ({ value, label }))}
        />
        <Input.Search allowClear className="filter" aria-label={words.audit.filterConversation} placeholder={words.audit.filterConversation} onSearch={set("conversation_id")} />
      </div>
      {audit.isPending && <Skeleton active title={false} />}
      {audit.isError && <Failed again={() => void audit.refetch()} />}
      {audit.data && (
        <section className="box" aria-label={words.audit.title}>
          <Grid
            rows={items}
            keyOf={(one) => one.number}
            none={words.audit.none}
            columns={[
              { title: words.audit.number, number: true, cell: (one) => one.number },
              { title: words.audit.at, cell: (one) => <time dateTime={one.at}>{moment(one.at, language)}</time> },
              { title: words.audit.agent, cell: (one) => one.agent },
              { title: words.audit.action, cell: (one) => <span title={one.action}>{words.audit.actions[one.action] ?? one.action}</span> },
              { title: words.audit.conversation, cell: (one) => one.conversation && <Where id={one.conversation} /> },
              { title: words.audit.detail, cell: (one) => <span className="quiet detail">{told(one.detail)}</span> },
            ]}
          />
          {audit.hasNextPage && (
            <Button block onClick={() => void audit.fetchNextPage()} loading={audit.isFetchingNextPage}>
              {words.audit.more}
            </Button>
          )}
        </section>
      )}
    </div>
  );
}
