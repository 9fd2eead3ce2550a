import { EditOutlined, SendOutlined, SoundOutlined, SwapOutlined } from "@ant-design/icons";
import { Button, Segmented } from "antd";
import type { Language } from "../types";
import { said, useLanguage, useWords } from "../words";
import type { Helping } from "./assist";
import { Rich } from "./Rich";

interface Props {
  help: Helping;
  speak: boolean;
  send?: (text: string, label: string) => void;
  edit?: (text: string, label: string) => void;
}

/** The best answer, ready to go: send it as it is, edit it, see another, or do without. */
export function SuggestionView({ help, speak, send, edit }: Props) {
  const words = useWords();
  const language = useLanguage();
  const found = help.current;
  if (!found) return null;
  const { spoken: shown, text } = help;
  return (
    <section className="panel-part suggestion" aria-label={speak ? words.assist.say : words.assist.suggestion}>
      <h2>
        {speak ? words.assist.say : words.assist.suggestion}
        <span className="quiet">{said(found.title, language)}</span>
        <Segmented<Language>
          size="small"
          value={shown}
          aria-label={words.lists.language}
          onChange={help.speak}
          options={(["zh", "en"] as Language[]).map((one) => ({ value: one, label: words.languageShort[one] }))}
        />
      </h2>
      <div className="suggestion-text" lang={shown === "zh" ? "zh-CN" : "en"} tabIndex={0} role="group" aria-label={words.assist.suggestion}>
        <Rich text={text} />
      </div>
      <div className="suggestion-acts">
        {send && (
          <Button type="primary" size="small" icon={speak ? <SoundOutlined aria-hidden /> : <SendOutlined aria-hidden />} onClick={() => send(text, found.label)} title="Alt+Enter">
            {speak ? words.assist.said : words.assist.sendAsIs}
          </Button>
        )}
        {edit && (
          <Button size="small" icon={<EditOutlined aria-hidden />} onClick={() => edit(text, found.label)} title="Alt+E">
            {words.assist.edit}
          </Button>
        )}
        <Button size="small" type="text" onClick={help.dismiss} title="Alt+X">
          {words.assist.dismiss}
        </Button>
        {help.count > 1 && (
          <Button size="small" type="text" icon={<SwapOutlined aria-hidden />} onClick={help.other} title="Alt+O" className="suggestion-other">
            {words.assist.other} {help.place}/{help.count}
          </Button>
        )}
      </div>
    </section>
  );
}
