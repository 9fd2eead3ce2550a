import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../shared/api";
import { HTML_LANG, pickLanguage } from "../shared/language";
import type { Language } from "../shared/types";
import { useLive } from "./live";
import { maskPhone } from "./names";
import { Banner } from "./parts/Banner";
import { Console } from "./parts/Console";
import { Phone } from "./parts/Phone";
import { SignIn } from "./parts/SignIn";
import { Skeleton, Wallet } from "./parts/Wallet";
import { samplesFor } from "./samples";
import * as sandbox from "./sandbox";
import { WORDS } from "./words";

interface Assistant {
  getToken?: (asked: boolean) => Promise<string | null>;
  say?: (text: string) => void;
  setLanguage?: (language: string) => void;
  signedIn?: (token: string | null) => void;
}
const page = window as unknown as { Jiebang?: Assistant };
const assistant = (): Assistant => (page.Jiebang ??= {});

const KEY = "jiebang:demo";
interface Kept {
  language: Language;
  account: string | null;
}
/** Returns who this tab shows, and in which language. */
export function kept(): Kept {
  const wish = new URLSearchParams(window.location.search).get("lang");
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Kept | null;
    if (found && (!wish || wish === found.language)) return found;
  } catch {
    /* then from the beginning */
  }
  const language = pickLanguage(wish, navigator.language);
  return { language, account: `demo-${language}` };
}

export function App() {
  const [{ language, account }, setKept] = useState(kept);
  const [asking, setAsking] = useState<((account: string | null) => void) | null>(null);
  const [resetting, setResetting] = useState(false);
  const [off, setOff] = useState(false);
  const words = WORDS[language];
  const current = useRef(account);
  current.current = account;

  useEffect(() => {
    sessionStorage.setItem(KEY, JSON.stringify({ language, account }));
    document.documentElement.lang = HTML_LANG[language];
    document.title = words.page;
  }, [language, account, words]);

  const token = useCallback(async (who: string | null): Promise<string | null> => {
    if (!who) return null;
    try {
      return await sandbox.login(who);
    } catch (error) {
      if (error instanceof Problem && error.status === 404) setOff(true);
      return null;
    }
  }, []);

  /** The shop's sign-in: asks who it is when nobody is signed in. */
  const askWho = useCallback(
    () =>
      new Promise<string | null>((resolve) => {
        setAsking(() => (chosen: string | null) => {
          setAsking(null);
          if (chosen) setKept((now) => ({ ...now, account: chosen }));
          resolve(chosen);
        });
      }),
    [],
  );

  useEffect(() => {
    assistant().getToken = async (asked) => token(current.current ?? (asked ? await askWho() : null));
  }, [token, askWho]);

  const become = async (who: string | null) => {
    setKept((now) => ({ ...now, account: who }));
    current.current = who;
    assistant().signedIn?.(await token(who));
  };
  const signIn = async () => {
    const who = await askWho();
    if (who) await become(who);
  };
  const swapLanguage = () => {
    const next: Language = language === "zh" ? "en" : "zh";
    const demo = account === null || account.startsWith("demo-");
    setKept({ language: next, account: account && demo ? `demo-${next}` : account });
    assistant().setLanguage?.(next);
    if (account && demo) void become(`demo-${next}`);
  };
  const reset = async () => {
    setResetting(true);
    try {
      await become(await sandbox.freshCustomer(language));
    } finally {
      setResetting(false);
    }
  };

  const state = useLive(account ? () => sandbox.account(account) : null, 1_000, account ?? "");
  const phone = useLive(account ? () => sandbox.phone(account) : null, 1_000, account ?? "");
  useEffect(() => {
    // A customer of an earlier sandbox is not there any more.
    if (account && state.health === "off") {
      if (account.startsWith("demo-")) setOff(true);
      else void become(`demo-${language}`);
    }
    if (state.value) setOff(false);
  });

  return (
    <>
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <header className="top">
        <p className="logo">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="9" />
            <path d="M9 12h14l-1.200 10.500a2 2 0 0 1-2 1.700h-7.600a2 2 0 0 1-2-1.700L9 12Zm3.500 0V10.500a3.500 3.500 0 0 1 7 0V12" />
          </svg>
          <b>{words.shop}</b>
          <span>{words.demo}</span>
        </p>
        <nav className="top-acts" aria-label={words.section}>
          <button type="button" className="plain" onClick={swapLanguage} lang={language === "zh" ? "en" : "zh-CN"}>
            {words.language}
          </button>
          {account ? (
            <>
              <span className="who">
                <svg viewBox="0 0 26 26" aria-hidden="true">
                  <circle cx="13" cy="10" r="4" />
                  <path d="M5.500 21.500c1-4.500 4-6.300 7.500-6.300s6.500 1.800 7.500 6.300" />
                </svg>
                <span>{state.value ? maskPhone(state.value.phone) : account}</span>
              </span>
              <button type="button" className="plain" onClick={() => void become(null)}>
                {words.signOut}
              </button>
            </>
          ) : (
            <button type="button" className="plain plain--main" onClick={() => void signIn()}>
              {words.signIn}
            </button>
          )}
        </nav>
      </header>
      <section className="hero" aria-label={words.title}>
        <div className="hero-in">
          <p className="eyebrow">{words.product}</p>
          <h1>{words.title}</h1>
          <p className="lead">{words.lead}</p>
          <ol className="steps" aria-label={words.stepsLabel}>
            {words.steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
          <div className="tries" role="group" aria-label={words.tryIt}>
            <span aria-hidden="true">{words.tryIt}</span>
            {samplesFor(state.value, language).map((sample) => (
              <button key={sample} type="button" onClick={() => assistant().say?.(sample)}>
                {sample}
              </button>
            ))}
          </div>
        </div>
      </section>
      <main id="main" className="page" tabIndex={-1}>
        <div className="left">
          {state.health === "lost" && <p className="lost" role="status">{words.lost}</p>}
          {off ? (
            <section className="panel off" aria-labelledby="off">
              <h2 id="off">{words.offTitle}</h2>
              <p>{words.off}</p>
            </section>
          ) : account && state.value ? (
            <Wallet account={state.value} language={language} words={words} />
          ) : account ? (
            <Skeleton words={words} />
          ) : (
            <section className="panel off">
              <p>{words.guest}</p>
              <button type="button" className="button button--main" onClick={() => void signIn()}>
                {words.signIn}
              </button>
            </section>
          )}
        </div>
        {!off && (
          <aside className="right" aria-label={words.console}>
            <Phone messages={(account && phone.value) || []} language={language} words={words} />
            <Console words={words} reset={reset} resetting={resetting} />
          </aside>
        )}
      </main>
      <footer className="foot">{words.foot}</footer>
      {account && !off && <Banner key={account} messages={phone.value} language={language} words={words} />}
      {asking && <SignIn words={words} choose={asking} />}
    </>
  );
}
