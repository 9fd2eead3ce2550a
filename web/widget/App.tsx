import { ConfigProvider } from "@chatui/core";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { HTML_LANG } from "../shared/language";
import { waitsForCode } from "./codes";
import { wish } from "./focus";
import { Composer } from "./parts/Composer";
import { Header } from "./parts/Header";
import { Icon } from "./parts/icons";
import type { Acts } from "./parts/LineView";
import { Log } from "./parts/Log";
import type { Talk } from "./talk";
import { WORDS } from "./words";

interface Props {
  talk: Talk;
  close: (() => void) | null;
  openSecure: (url: string) => boolean;
}

export function App({ talk, close, openSecure }: Props) {
  const state = useSyncExternalStore(talk.subscribe, talk.snapshot);
  const words = WORDS[state.language];

  useEffect(() => {
    document.documentElement.lang = HTML_LANG[state.language];
    document.title = state.unread ? `(${state.unread}) ${words.title}` : words.title;
  }, [state.language, state.unread, words]);
  useEffect(() => {
    const done = () => talk.notice(WORDS[talk.state.language].secureDone);
    const escape = (event: KeyboardEvent) => event.key === "Escape" && !event.isComposing && close?.();
    window.addEventListener("jiebang:secure-done", done);
    window.addEventListener("keydown", escape);
    return () => {
      window.removeEventListener("jiebang:secure-done", done);
      window.removeEventListener("keydown", escape);
    };
  }, [talk, close]);

  const acts: Acts = useMemo(
    () => ({
      press: (choice) => {
        const now = WORDS[talk.state.language];
        if (choice.token) {
          talk.press(choice.token, choice.title);
          wish(); // the button goes away; what comes next is typed
        }
        else if (choice.url) talk.notice(openSecure(choice.url) ? now.secureOpened : now.secureBlocked);
        else if (choice.action === "sign_in") void talk.signIn();
      },
      resend: (clientId) => talk.resend(clientId),
      discard: (clientId) => talk.discard(clientId),
      rate: async (id, score) => {
        const failed = WORDS[talk.state.language].rateFailed;
        try {
          await talk.rate(id, score);
          if (talk.state.notice === failed) talk.notice(null);
        } catch (error) {
          talk.notice(failed);
          throw error;
        }
      },
    }),
    [talk, openSecure],
  );

  const code = state.phase === "ready" && waitsForCode(state.lines);
  const waiting = state.lines.some((line) => line.state === "sending");
  const showTyping = state.phase === "ready" && (state.typing || (waiting && state.mode !== "human"));

  return (
    <ConfigProvider locale={state.language === "zh" ? "zh-CN" : "en-US"}>
      <main className="app" data-mode={state.mode} data-phase={state.phase} data-link={state.link}>
        <Header state={state} words={words} close={close} speak={() => talk.speak(state.language === "zh" ? "en" : "zh", true)} />
        <Banners talk={talk} />
        {state.phase === "failed" ? (
          <div className="failed" role="alert">
            <p>{state.notice ?? words.startFailed}</p>
            <button type="button" className="Btn Btn--primary" onClick={() => void talk.start()}>
              {words.retry}
            </button>
          </div>
        ) : (
          <Log state={state} words={words} acts={acts} showTyping={showTyping} />
        )}
        <footer className="footer">
          {state.notice && state.phase !== "failed" && (
            <div className="notice" role="status">
              <span>{state.notice}</span>
              {state.signInNeeded && (
                <button type="button" onClick={() => void talk.signIn()} disabled={state.signingIn}>
                  {state.signingIn ? words.signingIn : words.signIn}
                </button>
              )}
            </div>
          )}
          <Composer code={code} disabled={state.phase === "failed" || state.signInNeeded} words={words} send={(text) => talk.say(text)} types={(typing) => talk.types(typing)} />
        </footer>
      </main>
    </ConfigProvider>
  );
}

/** What holds for the whole talk: no network, a place in the line. */
function Banners({ talk }: { talk: Talk }) {
  const state = useSyncExternalStore(talk.subscribe, talk.snapshot);
  const words = WORDS[state.language];
  const online = useSyncExternalStore(watchNetwork, () => navigator.onLine);
  const cut = state.phase === "ready" && state.link === "offline";
  return (
    <div className="banners" role="status">
      {(cut || !online) && (
        <p className="banner banner--cut">
          <Icon name="refresh" />
          {online ? words.reconnecting : words.offline}
        </p>
      )}
      {state.mode === "queue" && (
        <p className="banner banner--queue">
          <Icon name="clock" />
          {words.waiting(state.position)}
        </p>
      )}
    </div>
  );
}

function watchNetwork(change: () => void): () => void {
  window.addEventListener("online", change);
  window.addEventListener("offline", change);
  return () => {
    window.removeEventListener("online", change);
    window.removeEventListener("offline", change);
  };
}
