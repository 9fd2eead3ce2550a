import type { State } from "../state";
import type { Words } from "../words";
import { Icon, Mark } from "./icons";

export function Header({ state, words, close, speak }: { state: State; words: Words; close: (() => void) | null; speak: () => void }) {
  const human = state.mode === "human";
  return (
    <header className="header">
      <span className={human ? "avatar avatar--agent" : "avatar"}>{human ? <b aria-hidden="true">{(state.agent || words.agent).slice(0, 1).toUpperCase()}</b> : <Mark />}</span>
      <div className="header-name">
        <h1>{human ? state.agent || words.agent : words.assistant}</h1>
        <p>
          <span className={`dot dot--${state.link}`} aria-hidden="true" />
          {human ? (state.agent ? words.agent : words.online) : words.robot}
        </p>
      </div>
      <button type="button" className="header-button header-button--text" onClick={speak} aria-label={words.switchTo} lang={state.language === "zh" ? "en" : "zh-CN"}>
        {words.switchShort}
      </button>
      {close && (
        <button type="button" className="header-button" onClick={close} aria-label={words.close}>
          <Icon name="close" />
        </button>
      )}
    </header>
  );
}
