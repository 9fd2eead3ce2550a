import { AudioOutlined, PhoneOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Skeleton, Tabs } from "antd";
import { useEffect, useRef, useState } from "react";
import { api, clientId, type Base } from "../api";
import { clock, secondsSince, useNow } from "../format";
import { useKeys } from "../live/keys";
import { useAssist } from "../parts/assist";
import { AssistPanel } from "../parts/AssistPanel";
import { CustomerPanel } from "../parts/CustomerPanel";
import { Failed } from "../parts/Failed";
import { useOutcome } from "../parts/outcome";
import { useWorking } from "../parts/working";
import { WrapUpDialog } from "../parts/WrapUpDialog";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Call } from "../types";
import { said, useLanguage, useWords } from "../words";
import { FeedDialog } from "./FeedDialog";
import { Identity } from "./Identity";
import { Transcript } from "./Transcript";

function CallHead({ call, mine, end, feed }: { call: Call; mine: boolean; end: () => void; feed: () => void }) {
  const words = useWords();
  const language = useLanguage();
  const now = useNow(1000);
  const seconds = call.ended_at ? secondsSince(call.started_at, Date.parse(call.ended_at)) : secondsSince(call.started_at, now);
  return (
    <header className="talk-head">
      <div className="talk-who">
        <h1>
          <PhoneOutlined aria-hidden /> <span className="mono">{call.phone}</span>
          <span className="lang" data-language={call.language} title={words.languages[call.language]}>
            {words.languageShort[call.language]}
          </span>
        </h1>
        <p>
          <span className="owner" data-mode={call.state === "verified" ? "mine" : "queue"}>
            {words.calls.states[call.state]}
          </span>
          <span className="mono">{words.calls.since(clock(seconds))}</span>
          {!mine && <span>{words.ownedBy(call.agent_name ?? call.agent)}</span>}
          {call.wrap_up && <span>{words.wrapUps[call.wrap_up] ?? call.wrap_up}</span>}
        </p>
      </div>
      {mine && call.state !== "ended" && (
        <div className="talk-acts">
          <Button icon={<AudioOutlined aria-hidden />} onClick={feed}>
            {words.calls.feed}
          </Button>
          <Button danger icon={<PhoneOutlined rotate={225} aria-hidden />} onClick={end} title={`${words.calls.end} (Alt+W)`}>
            {words.calls.end}
          </Button>
        </div>
      )}
      {call.state === "ended" && call.summary && (
        <div className="talk-why">
          <b>{words.talk.summary}</b>
          <span className="talk-summary">{call.summary}</span>
        </div>
      )}
      {call.state === "open" && !call.challenge && call.prompts.length > 0 && (
        <div className="talk-why">
          {call.prompts.slice(0, 2).map((one) => (
            <span key={one.name}>{said(one.text, language)}</span>
          ))}
        </div>
      )}
    </header>
  );
}

/** One call: who it is, what is said, what to say, what to do. */
export function CallView({ id }: { id: string }) {
  const me = useMe();
  const words = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  const complain = useComplain();
  const field = useRef<HTMLInputElement>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [side, setSide] = useState("assist");
  const [dialog, setDialog] = useState<"" | "end" | "feed">("");
  const base: Base = { kind: "call", id };
  const found = useQuery({ queryKey: ["call", id], queryFn: () => api.call(id) });
  const call = found.data;
  // A line that only brought a code says nothing new about what the caller wants.
  const spoken = (call?.lines ?? []).filter((line) => line.speaker === "caller");
  const newest = (spoken.filter((line) => !line.has_code).at(-1) ?? spoken.at(-1))?.id ?? null;
  useEffect(() => setChosen(null), [newest]);
  const target = chosen ?? newest;
  const help = useAssist(base, target, call !== undefined);
  const work = useWorking(base, call?.guide ?? help.data?.guide ?? null);
  // The end of an operation comes by itself, also when it took longer than the answer to its code.
  useOutcome(base, call && (call.lines.filter((line) => line.speaker === "system").at(-1)?.id ?? ""));
  // A supervisor looks at the calls of others; only whose it is speaks and acts.
  const mine = call?.agent === me.username;
  const running = mine && call?.state !== "ended";
  const current = help.current;
  const say = async (words_: string) => {
    try {
      const { line } = await api.line(id, "agent", words_, clientId());
      client.setQueryData<Call>(["call", id], (now) => now && { ...now, lines: [...now.lines.filter((one) => one.id !== line.id), line] });
    } catch (error) {
      complain(error);
    }
  };
  const speak = async (words_: string) => {
    help.tellSaid();
    help.used();
    await say(words_);
  };
  useKeys({
    r: () => field.current?.focus(),
    "alt+w": running && (() => setDialog("end")),
    "alt+i": () => setSide((now) => (now === "assist" ? "customer" : "assist")),
    "alt+enter": running && current !== null && (() => void speak(help.text)),
    "alt+o": help.count > 1 && help.other,
    "alt+x": running && current !== null && help.dismiss,
  });
  // What the caller has is worth a look as soon as it may be seen.
  const verified = call?.verified_at !== null && call?.verified_at !== undefined;
  const wasVerified = useRef<boolean | null>(null);
  useEffect(() => {
    if (call && wasVerified.current === false && verified) setSide("customer");
    if (call) wasVerified.current = verified;
  }, [call, verified]);
  const begun = work.worked?.operation.id;
  useEffect(() => {
    if (begun) setSide("assist");
  }, [begun]);
  if (found.isPending) return <Skeleton active title={false} className="page-pad" />;
  if (found.isError || !call) return <Failed again={() => void found.refetch()} />;
  const lastCode = [...call.lines].reverse().find((line) => line.speaker === "caller");
  const heard = lastCode?.has_code ? { id: lastCode.id } : null;
  // The digits that proved who is calling are spent: only what was said since can be the operation's.
  const heardSince = heard && lastCode && call.verified_at && Date.parse(lastCode.at) > Date.parse(call.verified_at) ? heard : null;
  return (
    <>
      <section className="talk" aria-label={`${words.calls.label} ${call.phone}`}>
        <CallHead call={call} mine={mine} end={() => setDialog("end")} feed={() => setDialog("feed")} />
        {mine && <Identity call={call} heard={heard} />}
        <Transcript call={call} mine={mine} selected={target} choose={setChosen} field={field} />
      </section>
      <aside className="side" aria-label={words.side.label}>
        <Tabs
          size="small"
          activeKey={side}
          onChange={setSide}
          items={[
            {
              key: "assist",
              label: words.side.assist,
              children: <AssistPanel help={help} work={work} customerLanguage={call.language} speak heard={heardSince} mayWork={verified && running} send={running ? (said_) => void speak(said_) : undefined} answer={running ? (said_) => void say(said_) : undefined} />,
            },
            { key: "customer", label: words.side.customer, children: <CustomerPanel base={base} may={verified && (running || me.supervisor)} locked={verified ? words.info.callOver : words.info.notVerified} work={verified && running ? work : null} /> },
          ]}
        />
      </aside>
      <FeedDialog id={id} open={dialog === "feed"} close={() => setDialog("")} />
      <WrapUpDialog
        base={base}
        wrapUps={call.wrap_ups}
        open={dialog === "end"}
        close={() => setDialog("")}
        end={async (wrapUp, summary) => {
          client.setQueryData(["call", id], await api.end(id, wrapUp, summary));
          void message.success(words.calls.ended);
          void client.invalidateQueries({ queryKey: ["calls"] });
        }}
      />
    </>
  );
}
