import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Empty, Input, Modal, Segmented, Select, Skeleton } from "antd";
import { useCallback, useState } from "react";
import { Link } from "wouter";
import { api } from "../api";
import { moment } from "../format";
import { useKeys } from "../live/keys";
import { Failed } from "../parts/Failed";
import { Grid } from "../parts/Grid";
import { LabelPick } from "../parts/LabelPick";
import { useMasked } from "../parts/Masked";
import { useComplain } from "../problems";
import type { Label, ReviewItem, ReviewStats } from "../types";
import { said, useLanguage, useWords } from "../words";
import { Chart, axis, type Colours } from "./Chart";

function useTitles(): (label: string | null) => string {
  const language = useLanguage();
  const words = useWords();
  const labels = useQuery({ queryKey: ["labels"], queryFn: api.labels, staleTime: 600_000 });
  return (label) => (label === "new" ? words.review.new : label === "skip" ? words.review.skip : said(labels.data?.find((one: Label) => one.name === label)?.title, language, label ?? ""));
}

/** What can be picked at once: the agent's word, then what was understood; a line said to a person has only the first. */
function choicesOf(item: ReviewItem): { name: string; confidence: number }[] {
  const word = item.proposed && item.proposed !== "new" ? [{ name: item.proposed, confidence: 0 }] : [];
  return [...word, ...item.ranking.filter((one) => one.name !== item.proposed)].slice(0, 3);
}

function Item({ item, first, decide }: { item: ReviewItem; first: boolean; decide: (item: ReviewItem, label: string) => void }) {
  const words = useWords();
  const language = useLanguage();
  const masked = useMasked();
  const title = useTitles();
  const [changing, setChanging] = useState(false);
  const pick = (label: string) => {
    setChanging(false);
    decide(item, label);
  };
  return (
    <li className="review-item" data-first={(first && item.decision === null) || undefined}>
      <p className="review-text" lang={item.language === "zh" ? "zh-CN" : "en"}>
        <span className="lang" data-language={item.language}>
          {words.languageShort[item.language]}
        </span>
        {masked(item.text)}
      </p>
      <p className="quiet">
        <span className="chip">{words.review.reasons[item.reason] ?? item.reason}</span> {moment(item.at, language)}
        {item.conversation && (
          <>
            {" · "}
            <Link href={`/${item.conversation.startsWith("call") ? "calls" : "chats"}/${item.conversation}`}>{words.audit.open}</Link>
          </>
        )}
        {item.proposed && (
          <>
            {" · "}
            {words.review.proposed}: <b>{title(item.proposed)}</b>
          </>
        )}
      </p>
      {item.decision && (
        <p>
          <b>{title(item.decision)}</b> {item.note && <span>“{item.note}”</span>} <span className="quiet">{item.decided_by && words.review.by(item.decided_by)}</span>{" "}
          {item.exported ? (
            <span className="chip">{words.review.exported}</span>
          ) : (
            <Button size="small" type="link" onClick={() => setChanging(!changing)} aria-expanded={changing}>
              {changing ? words.review.changeEnd : words.review.change}
            </Button>
          )}
        </p>
      )}
      {(!item.decision || changing) && (
        <div className="review-acts">
          {choicesOf(item).map((one, at) => (
            <Button key={one.name} size="small" onClick={() => pick(one.name)}>
              {first && <kbd>{at + 1}</kbd>} {title(one.name)} {one.name === item.proposed && <small>{words.review.proposed}</small>}
              {one.confidence >= 0.005 && <small>{Math.round(one.confidence * 100)}%</small>}
            </Button>
          ))}
          <LabelPick placeholder={words.review.choose} pick={pick} />
          <Button size="small" type="text" onClick={() => pick("skip")}>
            {first && <kbd>0</kbd>} {words.review.skip}
          </Button>
        </div>
      )}
    </li>
  );
}

function Accuracy({ stats }: { stats: ReviewStats }) {
  const words = useWords();
  const option = useCallback(
    (found: Colours) => ({
      legend: { textStyle: { color: found.text }, top: 0, left: 0 },
      xAxis: { type: "category", data: stats.days.map((one) => one.day.slice(5)), ...axis(found) },
      yAxis: { type: "value", min: 0, max: 100, ...axis(found), axisLabel: { formatter: "{value}%", color: found.text } },
      series: [
        { name: words.review.sample, type: "line", connectNulls: true, data: stats.days.map((one) => (one.sample.accuracy === null ? null : Math.round(one.sample.accuracy * 100))), itemStyle: { color: found.third } },
        { name: words.review.accuracy, type: "line", connectNulls: true, data: stats.days.map((one) => (one.accuracy === null ? null : Math.round(one.accuracy * 100))), itemStyle: { color: found.first } },
        { name: words.review.fallback, type: "line", connectNulls: true, data: stats.days.map((one) => (one.fallback_rate === null ? null : Math.round(one.fallback_rate * 100))), itemStyle: { color: found.second } },
      ],
    }),
    [stats, words],
  );
  return <Chart label={words.review.accuracyOver} option={option} height={200} />;
}

/** The learning loop: what was not understood, put right by a supervisor, and how that goes over time. */
export default function ReviewPage() {
  const words = useWords();
  const language = useLanguage();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const [naming, setNaming] = useState<ReviewItem | null>(null);
  const [wish, setWish] = useState("");
  const [customerLanguage, setCustomerLanguage] = useState("");
  const [state, setState] = useState<"open" | "done">("open");
  const [reason, setReason] = useState("");
  const key = ["review", state, reason, customerLanguage];
  const review = useInfiniteQuery({ queryKey: key, queryFn: ({ pageParam }) => api.review({ state, reason: reason || undefined, language: customerLanguage || undefined, cursor: pageParam }), initialPageParam: undefined as string | undefined, getNextPageParam: (last) => last.next_cursor ?? undefined });
  const stats = useQuery({ queryKey: ["review-stats"], queryFn: () => api.reviewStats(30) });
  const items = review.data?.pages.flatMap((page) => page.items) ?? [];
  const counts = review.data?.pages[0]?.counts;
  const decide = async (item: ReviewItem, label: string, note?: string) => {
    if (label === "new" && note === undefined) {
      setWish(item.note ?? "");
      setNaming(item);
      return;
    }
    try {
      await api.decide(item.id, label, note?.trim() || undefined);
      setNaming(null);
      void message.success(words.review.saved);
      await Promise.all([client.invalidateQueries({ queryKey: ["review"] }), client.invalidateQueries({ queryKey: ["review-stats"] })]);
    } catch (error) {
      complain(error);
    }
  };
  const first = items[0];
  const pick = (at: number) => () => {
    const label = first && choicesOf(first)[at]?.name;
    if (state === "open" && first && label) void decide(first, label);
  };
  useKeys({ "1": pick(0), "2": pick(1), "3": pick(2), "0": state === "open" && first !== undefined && (() => void decide(first, "skip")) });
  return (
    <div className="page">
      <Modal open={naming !== null} title={words.review.newTitle} okText={words.review.newSave} cancelText={words.review.newCancel} onCancel={() => setNaming(null)} onOk={() => naming && void decide(naming, "new", wish)} destroyOnHidden>
        <p>{words.review.newLead}</p>
        <Input autoFocus value={wish} maxLength={500} aria-label={words.review.newTitle} onChange={(event) => setWish(event.target.value)} onPressEnter={(event) => !event.nativeEvent.isComposing && naming && void decide(naming, "new", wish)} />
      </Modal>
      <header className="page-head">
        <div>
          <h1>{words.review.title}</h1>
          <p className="lead">{words.review.lead}</p>
        </div>
      </header>
      <div className="split">
        <section className="box" aria-label={words.review.open}>
          <div className="box-tools">
            <Segmented
              value={state}
              onChange={(value) => setState(value as "open" | "done")}
              options={[
                { value: "open", label: `${words.review.open} ${counts?.open ?? ""}` },
                { value: "done", label: `${words.review.done} ${counts?.done ?? ""}` },
              ]}
            />
            <Select aria-label={words.review.reason} value={reason} onChange={setReason} options={[{ value: "", label: words.review.anyReason }, ...Object.entries(words.review.reasons).map(([value, label]) => ({ value, label }))]} />
            <Select aria-label={words.lists.language} value={customerLanguage} onChange={setCustomerLanguage} options={[{ value: "", label: words.lists.anyLanguage }, { value: "zh", label: words.languages.zh }, { value: "en", label: words.languages.en }]} />
            {counts && counts.waiting_export > 0 && <span className="quiet">{words.review.waiting(counts.waiting_export)}</span>}
          </div>
          {review.isPending && <Skeleton active title={false} />}
          {review.isError && <Failed again={() => void review.refetch()} />}
          {review.data && items.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.review.none} />}
          {items.length > 0 && state === "open" && <p className="quiet">{words.review.keys}</p>}
          <ul className="review-list">
            {items.map((item, at) => (
              <Item key={item.id} item={item} first={at === 0 && state === "open"} decide={(one, label) => void decide(one, label)} />
            ))}
          </ul>
          {review.hasNextPage && (
            <Button block onClick={() => void review.fetchNextPage()} loading={review.isFetchingNextPage}>
              {words.audit.more}
            </Button>
          )}
        </section>
        <div className="stack">
          <section className="box" aria-label={words.review.accuracyOver}>
            <h2>{words.review.accuracyOver}</h2>
            {stats.data && (
              <>
                <Accuracy stats={stats.data} />
                <p className="quiet">
                  {words.review.sampleOf(stats.data.sample_percent, stats.data.sample.right, stats.data.sample.reviewed)} {words.review.hardOf(stats.data.totals.right, stats.data.totals.reviewed)}
                </p>
              </>
            )}
          </section>
          <section className="box" aria-label={words.review.confusions}>
            <h2>{words.review.confusions}</h2>
            {stats.data && (
              <Grid
                rows={stats.data.confusions.slice(0, 15)}
                keyOf={(row) => `${row.understood}>${row.right}`}
                none={words.review.noConfusions}
                columns={[
                  { title: words.review.understoodAs, cell: (row) => said(row.understood_title, language, row.understood) },
                  { title: words.review.rightIs, cell: (row) => said(row.right_title, language, row.right) },
                  { title: words.review.count, number: true, cell: (row) => row.count },
                ]}
              />
            )}
          </section>
        </div>
      </div>
    </div>
  );
}
