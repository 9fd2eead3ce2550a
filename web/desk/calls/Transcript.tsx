import { LockOutlined, SnippetsOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Button, Segmented } from "antd";
import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { api, clientId, type Base } from "../api";
import { moment } from "../format";
import { AsideLine } from "../parts/AsideLine";
import { CannedPicker } from "../parts/CannedPicker";
import { Rich } from "../parts/Rich";
import { useComplain } from "../problems";
import type { Call, Line } from "../types";
import { said, useLanguage, useWords } from "../words";

type Speaker = "caller" | "agent" | "note";
const SPEAKERS: Speaker[] = ["caller", "agent", "note"];

function LineOfCall({ call, mine, line, selected, choose }: { call: Call; mine: boolean; line: Line; selected: boolean; choose: (id: string) => void }) {
  const words = useWords();
  const language = useLanguage();
  if (line.speaker === "system" || line.speaker === "note") return <AsideLine kind={line.speaker} text={line.text} at={line.at} />;
  const intent = line.parse?.intent;
  return (
    <div className={`line line--${line.speaker === "caller" ? "customer" : "agent"}`} data-selected={selected || undefined}>
      <p className="line-by">
        {line.speaker === "caller" ? words.calls.caller : mine ? words.calls.me : (call.agent_name ?? call.agent)} <time dateTime={line.at}>{moment(line.at, language)}</time>
      </p>
      <div className="bubble">
        <Rich text={line.text} />
        {line.has_code && !/\[code\]/.test(line.text) && (
          <span className="masked">
            <LockOutlined aria-hidden /> {words.calls.codeHidden}
          </span>
        )}
      </div>
      {line.speaker === "caller" && intent && !(line.has_code && intent === "nlu_fallback") && (
        <div className="line-foot">
          <button type="button" className="intent" aria-pressed={selected} onClick={() => choose(line.id)} data-missed={intent === "nlu_fallback" || undefined}>
            {intent === "nlu_fallback" ? words.talk.notUnderstood : said(line.parse?.title, language, intent)}
          </button>
        </div>
      )}
    </div>
  );
}

interface Props {
  call: Call;
  mine: boolean;
  selected: string | null;
  choose: (id: string) => void;
  field: RefObject<HTMLInputElement>;
}

/** What was said on the phone, typed along or fed in by a recogniser; each line of the caller's brings suggestions. */
export function Transcript({ call, mine, selected, choose, field }: Props) {
  const words = useWords();
  const client = useQueryClient();
  const complain = useComplain();
  const [speaker, setSpeaker] = useState<Speaker>("caller");
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [picking, setPicking] = useState(false);
  const base: Base = { kind: "call", id: call.id };
  const again = useRef<string | null>(null);
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, [call.lines.length]);
  useEffect(() => field.current?.focus(), [field]);
  const add = async () => {
    const said = text.trim();
    if (!said || busy) return;
    setBusy(true);
    // The same line sent again after a lost answer counts once.
    again.current ??= clientId();
    try {
      if (speaker === "note") {
        await api.note(base, said);
        setText("");
        setSpeaker("caller");
        void client.invalidateQueries({ queryKey: ["call", call.id] });
        return;
      }
      const { line, assist } = await api.line(call.id, speaker, said, again.current);
      again.current = null;
      setText("");
      if (assist) client.setQueryData(["assist", "call", call.id, line.id], { ...assist, message: line.id });
      client.setQueryData<Call>(["call", call.id], (now) => now && { ...now, lines: [...now.lines.filter((one) => one.id !== line.id), line] });
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
      field.current?.focus();
    }
  };
  return (
    <>
      <div className="lines-frame">
        <div className="lines" role="log" aria-label={words.calls.transcript} tabIndex={0} ref={box}>
          {call.lines.map((line) => (
            <LineOfCall key={line.id} call={call} mine={mine} line={line} selected={line.id === selected} choose={choose} />
          ))}
        </div>
      </div>
      {mine && call.state !== "ended" && (
        <form
          className="composer composer--call"
          data-note={speaker === "note" || undefined}
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
        >
          <div className="composer-top">
            <Segmented<Speaker> size="small" aria-label={words.calls.transcript} value={speaker} onChange={setSpeaker} options={SPEAKERS.map((one) => ({ value: one, label: words.calls.lineOf[one] }))} />
            <CannedPicker
              base={base}
              customerLanguage={call.language}
              open={picking}
              setOpen={setPicking}
              pick={(ready) => {
                again.current = null;
                setSpeaker("agent");
                setText(ready);
                field.current?.focus();
              }}
            >
              <Button size="small" type="text" icon={<SnippetsOutlined aria-hidden />} title="/" aria-haspopup="dialog" aria-expanded={picking}>
                {words.compose.canned}
              </Button>
            </CannedPicker>
          </div>
          <div className="composer-row">
            <input ref={field} value={text} maxLength={2000} autoComplete="off" aria-label={words.calls.lineOf[speaker]} placeholder={words.calls.linePlaceholder[speaker]} onChange={(event) => { again.current = null; if (event.target.value === "/") setPicking(true); else setText(event.target.value); }} onKeyDown={(event) => event.key === "Escape" && field.current?.blur()} />
            <Button type="primary" htmlType="submit" disabled={!text.trim()} loading={busy}>
              {words.calls.add}
            </Button>
          </div>
        </form>
      )}
    </>
  );
}
