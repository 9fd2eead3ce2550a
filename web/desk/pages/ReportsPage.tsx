import { DownloadOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, DatePicker, Dropdown, Empty, Select, Skeleton } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import "dayjs/locale/zh-cn";
import { useCallback, useMemo, useState } from "react";
import { api } from "../api";
import { length, percent } from "../format";
import { Failed } from "../parts/Failed";
import { Grid } from "../parts/Grid";
import type { Report } from "../types";
import { said, useLanguage, useWords, type Words } from "../words";
import { Bars } from "./Bars";
import { Chart, axis, type Colours } from "./Chart";

const CHANNELS = ["web", "wechat", "telegram", "webhook", "phone"];
const LONGEST_DAYS = 92;
const SECONDS = new Set(["handle_seconds", "first_response_seconds", "done_seconds"]);
const SHARES = new Set(["containment", "sla_met"]);

function figure(name: string, value: number | null | undefined, words: Words): string {
  if (value === null || value === undefined) return "–";
  if (SECONDS.has(name)) return length(value, words);
  if (SHARES.has(name)) return percent(value);
  return name === "satisfaction" ? value.toFixed(1) : new Intl.NumberFormat().format(value);
}

function Totals({ report }: { report: Report }) {
  const words = useWords();
  return (
    <dl className="totals">
      {Object.entries(words.reports.totals).map(([name, title]) => (
        <div key={name}>
          <dt>{title}</dt>
          <dd>
            {figure(name, report.totals[name], words)}
            {name === "satisfaction" && report.totals.ratings ? <small>{words.reports.ratings(report.totals.ratings)}</small> : null}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function PerDay({ report }: { report: Report }) {
  const words = useWords();
  const option = useCallback(
    (found: Colours) => ({
      legend: { textStyle: { color: found.text }, top: 0, left: 0, itemWidth: 14, itemHeight: 8 },
      xAxis: { type: "category", data: report.days.map((one) => one.day.slice(5)), ...axis(found) },
      yAxis: { type: "value", minInterval: 1, ...axis(found) },
      series: [
        { name: words.reports.totals.conversations, type: "bar", data: report.days.map((one) => one.conversations), itemStyle: { color: found.first, borderRadius: [3, 3, 0, 0] }, barMaxWidth: 26 },
        { name: words.reports.totals.handoffs, type: "bar", data: report.days.map((one) => one.handoffs), itemStyle: { color: found.second, borderRadius: [3, 3, 0, 0] }, barMaxWidth: 26 },
        { name: words.reports.totals.calls, type: "line", data: report.days.map((one) => one.calls), itemStyle: { color: found.third }, symbolSize: 5 },
      ],
    }),
    [report, words],
  );
  return <Chart label={words.reports.perDay} option={option} height={260} />;
}

function Funnel({ report }: { report: Report }) {
  const words = useWords();
  const language = useLanguage();
  const steps = ["asked", "confirmed", "verified", "done"] as const;
  return (
    <table className="funnel">
      <thead>
        <tr>
          <th scope="col">
            <span className="visually-hidden">{words.reports.funnel}</span>
          </th>
          {steps.map((step) => (
            <th scope="col" key={step}>
              {words.reports.funnelSteps[step]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {report.funnel.map((row) => (
          <tr key={row.kind}>
            <th scope="row">{said(row.title, language, words.kinds[row.kind] ?? row.kind)}</th>
            {steps.map((step) => (
              <td key={step}>
                <span className="funnel-bar" data-step={step}>
                  <i style={{ width: `${row.asked ? (row[step] / row.asked) * 100 : 0}%` }} />
                </span>
                <b>{row[step]}</b>
                {step !== "asked" && <small>{row.asked ? percent(row[step] / row.asked) : ""}</small>}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What happened in a time, drawn; every figure can be taken along as CSV. */
export default function ReportsPage() {
  const words = useWords();
  const language = useLanguage();
  const [range, setRange] = useState<[Dayjs, Dayjs]>([dayjs().subtract(13, "day"), dayjs()]);
  const [channel, setChannel] = useState("");
  const [customerLanguage, setCustomerLanguage] = useState("");
  const values = useMemo(() => ({ from: range[0].format("YYYY-MM-DD"), to: range[1].format("YYYY-MM-DD"), channel: channel || undefined, language: customerLanguage || undefined }), [range, channel, customerLanguage]);
  const report = useQuery({ queryKey: ["report", values], queryFn: () => api.report(values), placeholderData: (before) => before });
  const found = report.data;
  const none = <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.reports.none} />;
  return (
    <div className="page">
      <header className="page-head">
        <h1>{words.reports.title}</h1>
        <div className="page-tools">
          <DatePicker.RangePicker
            aria-label={words.reports.range}
            value={range}
            allowClear={false}
            onChange={(chosen) => chosen?.[0] && chosen[1] && setRange([chosen[0], chosen[1]])}
            maxDate={dayjs()}
            disabledDate={(day, { from }) => from !== undefined && Math.abs(day.diff(from, "day")) >= LONGEST_DAYS}
          />
          <Select aria-label={words.reports.channel} value={channel} onChange={setChannel} options={[{ value: "", label: words.reports.anyChannel }, ...CHANNELS.map((one) => ({ value: one, label: words.channels[one] }))]} />
          <Select aria-label={words.lists.language} value={customerLanguage} onChange={setCustomerLanguage} options={[{ value: "", label: words.lists.anyLanguage }, { value: "zh", label: words.languages.zh }, { value: "en", label: words.languages.en }]} />
          <Dropdown trigger={["click"]} menu={{ items: Object.entries(words.reports.tables).map(([table, label]) => ({ key: table, label: <a href={api.reportCsv({ ...values, table })} download={`jiebang-${table}-${values.from}-${values.to}.csv`}>{label}</a> })) }}>
            <Button icon={<DownloadOutlined aria-hidden />}>{words.reports.csv}</Button>
          </Dropdown>
        </div>
      </header>
      {report.isPending && <Skeleton active title={false} />}
      {report.isError && <Failed again={() => void report.refetch()} />}
      {found && (
        <div className="report" aria-busy={report.isFetching}>
          <Totals report={found} />
          <section className="box box--wide" aria-label={words.reports.perDay}>
            <h2>{words.reports.perDay}</h2>
            {found.days.length ? <PerDay report={found} /> : none}
          </section>
          <section className="box" aria-label={words.reports.reasons}>
            <h2>{words.reports.reasons}</h2>
            {found.reasons.length ? <Bars rows={found.reasons.map((one) => ({ name: words.reasons[one.reason] ?? one.reason, value: one.count }))} /> : none}
          </section>
          <section className="box" aria-label={words.reports.wrapUps}>
            <h2>{words.reports.wrapUps}</h2>
            {found.wrap_ups.length ? <Bars rows={found.wrap_ups.map((one) => ({ name: words.wrapUps[one.wrap_up] ?? one.wrap_up, value: one.count }))} /> : none}
          </section>
          <section className="box" aria-label={words.reports.questions}>
            <h2>{words.reports.questions}</h2>
            {found.questions.length ? <Bars rows={found.questions.slice(0, 10).map((one) => ({ name: said(one.title, language, one.label), value: one.count }))} /> : none}
          </section>
          <section className="box box--wide" aria-label={words.reports.funnel}>
            <h2>{words.reports.funnel}</h2>
            {found.funnel.length ? <Funnel report={found} /> : none}
          </section>
          <section className="box" aria-label={words.reports.suggestions}>
            <h2>{words.reports.suggestions}</h2>
            {Object.values(found.suggestions).some(Boolean) ? <Bars rows={Object.entries(words.reports.suggestion).flatMap(([name, title]) => (found.suggestions[name] === undefined ? [] : [{ name: title, value: found.suggestions[name] ?? 0 }]))} /> : none}
            {typeof found.suggestions.used === "number" && <p className="quiet">{words.reports.suggestionUsed(percent(found.suggestions.used))}</p>}
          </section>
          <section className="box box--wide" aria-label={words.reports.agents}>
            <h2>{words.reports.agents}</h2>
            <Grid
              rows={found.agents}
              keyOf={(one) => one.username}
              columns={[
                { title: words.reports.columns.name, cell: (one) => one.name },
                { title: words.reports.columns.talks, number: true, cell: (one) => one.talks },
                { title: words.reports.columns.calls, number: true, cell: (one) => one.calls },
                { title: words.reports.columns.handle, number: true, cell: (one) => figure("handle_seconds", one.handle_seconds, words) },
                { title: words.reports.columns.response, number: true, cell: (one) => figure("first_response_seconds", one.first_response_seconds, words) },
                { title: words.reports.columns.satisfaction, number: true, cell: (one) => figure("satisfaction", one.satisfaction, words) },
              ]}
            />
          </section>
          <section className="box" aria-label={words.reports.byChannel}>
            <h2>{words.reports.byChannel}</h2>
            <Grid
              rows={[
                ...found.channels.map((one) => ({ ...one, key: one.channel, name: words.channels[one.channel] ?? one.channel })),
                ...found.languages.map((one) => ({ ...one, key: one.language, name: words.languages[one.language] ?? one.language })),
              ]}
              keyOf={(one) => one.key}
              none={words.reports.none}
              columns={[
                { title: words.reports.byChannel, cell: (one) => one.name },
                { title: words.reports.totals.conversations ?? "", number: true, cell: (one) => one.conversations },
                { title: words.reports.totals.handoffs ?? "", number: true, cell: (one) => one.handoffs },
              ]}
            />
          </section>
          <section className="box" aria-label={words.reports.unanswered}>
            <h2>{words.reports.unanswered}</h2>
            {found.unanswered.length ? (
              <ol className="said">
                {found.unanswered.slice(0, 12).map((one) => (
                  <li key={one.text} lang={one.language === "zh" ? "zh-CN" : "en"}>
                    {one.text} <small>{one.count}</small>
                  </li>
                ))}
              </ol>
            ) : (
              none
            )}
          </section>
        </div>
      )}
    </div>
  );
}
