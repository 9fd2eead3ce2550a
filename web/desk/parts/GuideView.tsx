import { CheckOutlined, CloseOutlined } from "@ant-design/icons";
import { Button } from "antd";
import type { ReactNode } from "react";
import type { Guide, Language } from "../types";
import { said, useLanguage, useWords } from "../words";
import { ENDED } from "./working";

interface Props {
  guide: Guide;
  customerLanguage: Language;
  insert?: (text: string) => void;
  children?: ReactNode;
}

/** The steps of an operation with the next one marked; what will change, and what to say in the customer's language. */
export function GuideView({ guide, customerLanguage, insert, children }: Props) {
  const words = useWords();
  const language = useLanguage();
  const open = !ENDED.has(guide.status ?? "");
  const current = guide.steps.find((step) => step.state === "current")?.name;
  const say = said(guide.say, customerLanguage);
  return (
    <section className="panel-part guide" aria-label={words.assist.steps}>
      <h2>
        {said(guide.title, language, words.kinds[guide.kind ?? ""])} <span className="quiet">{said(guide.target, language)}</span>
        {guide.status && (
          <span className="state" data-status={guide.status}>
            {words.statuses[guide.status] ?? guide.status}
          </span>
        )}
      </h2>
      <ol className="steps">
        {guide.steps.map((step, at) => (
          <li key={step.name} data-state={step.state} aria-current={step.state === "current" ? "step" : undefined}>
            <span aria-hidden="true">{step.state === "done" ? <CheckOutlined /> : step.state === "failed" ? <CloseOutlined /> : at + 1}</span>
            {said(step.title, language, step.name)}
          </li>
        ))}
      </ol>
      {said(guide.next, language) && (
        <p className="guide-next">
          <b>{words.assist.next}</b> {said(guide.next, language)}
        </p>
      )}
      {open && current === "confirm" && guide.effects.length > 0 && (
        <div className="guide-effects">
          <p className="quiet">{words.assist.effects}</p>
          <ul>
            {guide.effects.map((effect, at) => (
              <li key={effect.code + String(at)}>{said(effect.title, language, effect.code)}</li>
            ))}
          </ul>
        </div>
      )}
      {say && (
        <blockquote lang={customerLanguage === "zh" ? "zh-CN" : "en"}>
          <span className="quiet" lang={language === "zh" ? "zh-CN" : "en"}>
            {words.assist.say}
            {insert && (
              <Button size="small" type="link" onClick={() => insert(say)}>
                {words.assist.insert}
              </Button>
            )}
          </span>
          {say}
        </blockquote>
      )}
      {children}
    </section>
  );
}
