import { ExclamationCircleOutlined, InfoCircleOutlined, PlayCircleOutlined } from "@ant-design/icons";
import { Button, Empty, Skeleton } from "antd";
import type { Language } from "../types";
import { said, useLanguage, useWords } from "../words";
import { AnswersView } from "./AnswersView";
import type { Helping } from "./assist";
import { Failed } from "./Failed";
import { IntentView } from "./IntentView";
import { SuggestionView } from "./SuggestionView";
import type { Working } from "./working";
import { ENDED } from "./working";
import { WorkView } from "./WorkView";

interface Props {
  help: Helping;
  work: Working;
  customerLanguage: Language;
  speak?: boolean;
  heard?: { id: string } | null;
  mayWork: boolean;
  send?: (text: string, label: string) => void;
  edit?: (text: string, label: string) => void;
  insert?: (text: string) => void;
  /** On the phone: the agent has read a help answer out. */
  answer?: (text: string) => void;
}

/** All that the assistant knows of the moment, the most useful first. */
export function AssistPanel({ help, work, customerLanguage, speak = false, heard, mayWork, send, edit, insert, answer }: Props) {
  const words = useWords();
  const language = useLanguage();
  const found = help.data;
  const running = work.guide?.operation_id && !ENDED.has(work.guide.status ?? "");
  const prompts = found?.prompts ?? [];
  return (
    <div className="assist" aria-busy={help.loading}>
      {work.guide && (mayWork ? <WorkView work={work} customerLanguage={customerLanguage} heard={heard} insert={insert} /> : null)}
      {help.loading && <Skeleton active title={false} className="page-pad" />}
      {help.away && <Failed text={words.assist.away} again={help.again} />}
      {!found && !help.loading && !help.away && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.assist.none} className="page-pad" />}
      {found && (
        <>
          <SuggestionView help={help} speak={speak} send={send} edit={edit} />
          <IntentView key={help.message} help={help} />
          {mayWork && !running && found.start.length > 0 && (
            <section className="panel-part" aria-label={words.assist.start}>
              <h2>{words.assist.start}</h2>
              <div className="starts">
                {found.start.map((one) => (
                  <Button key={one.kind + one.target} size="small" icon={<PlayCircleOutlined aria-hidden />} loading={work.busy === `${one.kind}:${one.target}`} onClick={() => void work.begin(one.kind, one.target)}>
                    {said(one.title, language, words.kinds[one.kind])}
                  </Button>
                ))}
              </div>
            </section>
          )}
          {prompts.length > 0 && (
            <section className="panel-part prompts" aria-label={words.assist.prompts}>
              <ul>
                {prompts.map((one) => (
                  <li key={one.name} data-level={one.level}>
                    {one.level === "must" ? <ExclamationCircleOutlined aria-hidden /> : <InfoCircleOutlined aria-hidden />} <span>{said(one.text, language)}</span>
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      )}
      <AnswersView related={found?.related ?? []} customerLanguage={customerLanguage} insert={edit ?? answer} spoken={speak} />
    </div>
  );
}
