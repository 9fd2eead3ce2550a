import { useQueryClient } from "@tanstack/react-query";
import { App, Skeleton, Tabs } from "antd";
import { useEffect, useRef, useState } from "react";
import { api, type Base } from "../api";
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
import { useWords } from "../words";
import { newestOfCustomer, useChat } from "./chat";
import { Composer } from "./Composer";
import { setDraft } from "./drafts";
import { Lines } from "./Lines";
import { useSaying } from "./saying";
import { useSeen } from "./seen";
import { useTake } from "./taking";
import { TalkHeader } from "./TalkHeader";
import { TransferDialog } from "./TransferDialog";

/** One open talk: what was said, what to say, what the customer has. */
export function Talk({ id }: { id: string }) {
  const me = useMe();
  const words = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  const complain = useComplain();
  const chat = useChat(id);
  const saying = useSaying(id);
  const take = useTake();
  const field = useRef<HTMLTextAreaElement>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [side, setSide] = useState("assist");
  const [dialog, setDialog] = useState<"" | "transfer" | "close">("");
  const [busy, setBusy] = useState("");
  const base: Base = { kind: "chat", id };
  const data = chat.data;
  const mine = data?.mode === "human" && data.agent === me.username;
  const newest = data && newestOfCustomer(data.messages)?.id;
  const target = chosen ?? newest ?? null;
  const help = useAssist(base, target, data !== undefined);
  const work = useWorking(base, help.data?.guide ?? null);
  // A new word of the customer's is what counts.
  useEffect(() => setChosen(null), [newest]);
  const outcome = data && (data.messages.filter((line) => line.author === "system" || line.author === "note").at(-1)?.id ?? "");
  useOutcome(base, outcome);
  useSeen(id, newest, mine);

  const act = async (what: string, run: () => Promise<unknown>, done: string) => {
    setBusy(what);
    try {
      await run();
      void message.success(done);
    } catch (error) {
      complain(error);
    } finally {
      setBusy("");
      void client.invalidateQueries({ queryKey: ["chat", id] });
      void client.invalidateQueries({ queryKey: ["rows"] });
    }
  };
  const takeIt = async () => {
    setBusy("take");
    if (await take(id)) setTimeout(() => field.current?.focus(), 50);
    setBusy("");
  };
  const handBack = () => void act("handBack", () => api.handBack(id), words.talk.handedBack);
  const send = (text: string, label: string) => {
    if (!help.message) return;
    saying.say(text, { message: help.message, label, text });
    help.used();
  };
  const edit = (text: string, label: string) => {
    setDraft(saying.key, { text, note: false, suggestion: help.message ? { message: help.message, label, text } : undefined });
    field.current?.focus();
  };
  const insert = (text: string) => {
    setDraft(saying.key, { text, note: false });
    field.current?.focus();
  };
  const current = help.current;
  useKeys({
    t: data && !mine && data.mode !== "human" && (() => void takeIt()),
    r: mine && (() => field.current?.focus()),
    m: () => {
      setDraft(saying.key, { note: true });
      field.current?.focus();
    },
    "alt+h": mine && handBack,
    "alt+f": mine && (() => setDialog("transfer")),
    "alt+w": mine && (() => setDialog("close")),
    "alt+i": () => setSide((now) => (now === "assist" ? "customer" : "assist")),
    "alt+enter": mine && current !== null && (() => send(help.text, current.label)),
    "alt+e": mine && current !== null && (() => edit(help.text, current.label)),
    "alt+o": help.count > 1 && help.other,
    "alt+x": current !== null && help.dismiss,
  });

  if (chat.isPending) return <Skeleton active title={false} className="page-pad" />;
  if (chat.isError || !data) return <Failed again={() => void chat.refetch()} />;
  const may = mine || me.supervisor;
  return (
    <>
      <section className="talk" aria-label={words.talk.log}>
        <TalkHeader chat={data} busy={busy} take={() => void takeIt()} handBack={handBack} transfer={() => setDialog("transfer")} close={() => setDialog("close")} />
        <Lines chat={data} saying={saying} selected={target} choose={setChosen} earlier={chat.earlier} />
        {!mine && <p className="read-only">{words.talk.readOnly[data.mode]}</p>}
        <Composer chat={data} mine={mine} saying={saying} field={field} />
      </section>
      <aside className="side" aria-label={words.side.label}>
        <Tabs
          size="small"
          activeKey={side}
          onChange={setSide}
          items={[
            { key: "assist", label: words.side.assist, children: <AssistPanel help={help} work={work} customerLanguage={data.language} mayWork={mine && data.signed_in} send={mine ? send : undefined} edit={mine ? edit : undefined} insert={mine ? insert : undefined} /> },
            { key: "customer", label: words.side.customer, children: <CustomerPanel base={base} may={may} locked={words.info.locked} work={mine ? work : null} /> },
          ]}
        />
      </aside>
      <TransferDialog chat={data} open={dialog === "transfer"} close={() => setDialog("")} />
      <WrapUpDialog
        base={base}
        wrapUps={data.wrap_ups}
        open={dialog === "close"}
        close={() => setDialog("")}
        end={async (wrapUp, summary) => {
          await api.close(id, wrapUp, summary);
          void message.success(words.talk.closed);
          void client.invalidateQueries({ queryKey: ["chat", id] });
          void client.invalidateQueries({ queryKey: ["rows"] });
        }}
      />
    </>
  );
}
