import { CheckOutlined, DislikeOutlined, FrownOutlined, HeartOutlined, MehOutlined } from "@ant-design/icons";
import { Button, Tag, Tooltip } from "antd";
import { useState } from "react";
import { said, useLanguage, useWords } from "../words";
import type { Helping } from "./assist";
import { LabelPick } from "./LabelPick";

// What rounds to nothing is no other reading; whoever misses one finds it in the list of all.
const LEAST = 0.005;
const FACES = { angry: <FrownOutlined aria-hidden />, worried: <MehOutlined aria-hidden />, thankful: <HeartOutlined aria-hidden /> } as const;

/** What the customer wants, how sure that is, what else it could be; and the agent's word on it. */
export function IntentView({ help }: { help: Helping }) {
  const words = useWords();
  const language = useLanguage();
  const [picking, setPicking] = useState(false);
  const found = help.data;
  if (!found) return null;
  const others = found.ranking.filter((one) => one.name !== found.intent?.name && one.confidence >= LEAST).slice(0, 3);
  const mood = found.mood;
  return (
    <section className="panel-part intent-view" aria-label={words.assist.intent}>
      <h2>
        {words.assist.intent}
        {mood.name !== "neutral" && (
          <Tooltip title={mood.words.join(" · ")}>
            <span className="mood" data-mood={mood.name}>
              {FACES[mood.name]} {said(mood.title, language, mood.name)}
            </span>
          </Tooltip>
        )}
      </h2>
      <div className="intent-main" data-sure={found.understood || undefined}>
        <b>{found.understood && found.intent ? said(found.intent.title, language, found.intent.name) : words.assist.unsure}</b>
        {found.understood && found.intent && (
          <span className="bar" aria-hidden="true">
            <i style={{ width: `${found.intent.confidence * 100}%` }} />
          </span>
        )}
        {found.understood && found.intent && <small>{Math.round(found.intent.confidence * 100)}%</small>}
        {found.intent && !help.judged && (
          <span className="intent-judge">
            {found.understood && (
              <Button size="small" type="text" icon={<CheckOutlined aria-hidden />} aria-label={words.assist.right} title={words.assist.right} onClick={() => help.right(found.intent?.name ?? "")} />
            )}
            <Button size="small" type="text" icon={<DislikeOutlined aria-hidden />} aria-label={words.assist.wrong} title={words.assist.wrong} aria-expanded={picking} onClick={() => setPicking(!picking)} />
          </span>
        )}
        {help.judged && <span className="quiet">{help.judged === "wrong" ? words.assist.thanks : words.assist.noted}</span>}
      </div>
      {picking && !help.judged && (
        <LabelPick
          placeholder={words.review.choose}
          pick={(label) => {
            help.wrong(label);
            setPicking(false);
          }}
        />
      )}
      {others.length > 0 && (
        <p className="intent-others">
          <span className="quiet">{words.assist.ranking}</span>
          {others.map((one) => (
            <button key={one.name} type="button" className="chip chip--button" title={words.assist.right} disabled={help.judged !== null} onClick={() => help.wrong(one.name)}>
              {said(one.title, language, one.name)} <small>{Math.round(one.confidence * 100)}%</small>
            </button>
          ))}
        </p>
      )}
      {found.entities.length > 0 && (
        <p className="intent-others">
          <span className="quiet">{words.assist.entities}</span>
          {found.entities.map((one) => (
            <Tag key={one.entity + one.value}>{said(one.title, language, one.value)}</Tag>
          ))}
        </p>
      )}
      {found.understood && found.translation && found.translation.language !== found.language && (
        <p className="translation" lang={found.translation.language === "zh" ? "zh-CN" : "en"}>
          <span className="quiet">{found.translation.exact ? words.assist.translation : words.assist.translationNear}</span> {found.translation.text}
        </p>
      )}
    </section>
  );
}
