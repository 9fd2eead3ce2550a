import { Button } from "antd";
import { useNow } from "../format";
import type { Language } from "../types";
import { useWords } from "../words";
import { CodeField } from "./CodeField";
import { GuideView } from "./GuideView";
import { ENDED, type Working } from "./working";

interface Props {
  work: Working;
  customerLanguage: Language;
  heard?: { id: string } | null;
  insert?: (text: string) => void;
}

/** The operation in hand: its steps, and what may be done next. Nobody can skip the code: binding decides. */
export function WorkView({ work, customerLanguage, heard, insert }: Props) {
  const words = useWords();
  const now = useNow(1000);
  const operation = work.worked?.operation;
  if (!work.guide) return null;
  if (!operation || ENDED.has(operation.status) || operation.status !== "awaiting_verification") return <GuideView guide={work.guide} customerLanguage={customerLanguage} insert={insert} />;
  const challenge = operation.challenge;
  const asked = challenge !== null && challenge !== undefined;
  const from = Math.max(work.notBefore, challenge?.resend_at ? Date.parse(challenge.resend_at) : 0);
  const wait = Math.ceil((from - now) / 1000);
  return (
    <GuideView guide={work.guide} customerLanguage={customerLanguage} insert={insert}>
      {asked && (
        <p className="guide-note" role="status">
          {words.work.sentTo(challenge.destination ?? "")}
          {typeof challenge.attempts_left === "number" && challenge.attempts_left < 3 && <b> {words.work.left(challenge.attempts_left)}</b>}
        </p>
      )}
      {asked && work.base.kind === "call" && <CodeField label={words.work.code} submit={words.work.verify} busy={work.busy === "verify"} heard={heard ?? null} check={(body) => work.verify(operation, body)} />}
      <div className="guide-acts">
        <Button type={asked ? "default" : "primary"} size="small" loading={work.busy === "confirm"} disabled={wait > 0} onClick={() => work.confirm(operation)}>
          {wait > 0 ? words.work.againIn(wait) : asked ? words.work.again : work.base.kind === "chat" ? words.work.confirmChat : words.work.confirm}
        </Button>
        <Button size="small" type="text" danger onClick={() => work.cancel(operation)}>
          {words.work.cancel}
        </Button>
      </div>
    </GuideView>
  );
}
