import { SearchOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Collapse, Input } from "antd";
import { useState } from "react";
import { api } from "../api";
import type { Answer, Language } from "../types";
import { said, useLanguage, useWords } from "../words";
import { Rich } from "./Rich";

/** Help answers near what was said, and a field to ask for others. */
export function AnswersView({ related, customerLanguage, insert, spoken = false }: { related: Answer[]; customerLanguage: Language; insert?: (text: string, label: string) => void; spoken?: boolean }) {
  const words = useWords();
  const language = useLanguage();
  const [asked, setAsked] = useState("");
  const answers = useQuery({ queryKey: ["answers", asked, customerLanguage], queryFn: () => api.answers(asked, customerLanguage), enabled: asked !== "", retry: false });
  const shown = asked ? (answers.data ?? []) : related;
  return (
    <section className="panel-part" aria-label={words.assist.related}>
      <h2>{words.assist.related}</h2>
      <Input.Search
        size="small"
        allowClear
        aria-label={words.assist.ask}
        placeholder={words.assist.askPlaceholder}
        enterButton={<SearchOutlined aria-label={words.assist.ask} />}
        onSearch={(text) => setAsked(text.trim())}
        loading={answers.isFetching}
        maxLength={300}
      />
      {asked && answers.data?.length === 0 && <p className="quiet">{words.assist.askNone}</p>}
      {shown.length > 0 && (
        <Collapse
          size="small"
          ghost
          accordion
          className="answers"
          items={shown.map((one) => ({
            key: one.label,
            label: said(one.title, language, one.label),
            children: (
              <>
                <Rich text={one.texts?.[customerLanguage] || one.text} />
                {insert && (
                  <Button size="small" onClick={() => insert(one.texts?.[customerLanguage] || one.text, one.label)}>
                    {spoken ? words.assist.said : words.assist.insert}
                  </Button>
                )}
              </>
            ),
          }))}
        />
      )}
    </section>
  );
}
