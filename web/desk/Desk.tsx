import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as Layers, ConfigProvider } from "antd";
import { useEffect, useMemo, useState } from "react";
import { Router } from "wouter";
import { HTML_LANG, languageOf, pickLanguage } from "../shared/language";
import { Problem } from "./api";
import { Gate } from "./Gate";
import { keep, kept } from "./kept";
import { LOCALES, themeOf, type Look } from "./theme";
import type { Language } from "./types";
import { LanguageContext } from "./words";

const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
const layers = () => document.getElementById("layers") ?? document.body;
// What is served by an error of our own is not asked for again; a dead line is.
const retry = (count: number, error: unknown) => count < 2 && error instanceof Problem && (error.code === "network" || error.status >= 502);

export interface Choices {
  look: Look;
  setLook: (look: Look) => void;
  setLanguage: (language: Language) => void;
}

function useDark(look: Look): boolean {
  const [system, setSystem] = useState(() => matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => setSystem(media.matches);
    media.addEventListener("change", changed);
    return () => media.removeEventListener("change", changed);
  }, []);
  return look === "auto" ? system : look === "dark";
}

/** The whole page: language, look, and the one cache of what the server said. */
export function Desk() {
  const [language, setLanguage] = useState<Language>(() => languageOf(kept("language")) ?? pickLanguage(...navigator.languages));
  const [look, setLook] = useState<Look>(() => (kept("look") as Look | null) ?? "auto");
  const client = useMemo(() => new QueryClient({ defaultOptions: { queries: { retry, staleTime: 10_000, refetchOnWindowFocus: false } } }), []);
  const dark = useDark(look);
  useEffect(() => {
    document.documentElement.lang = HTML_LANG[language];
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  }, [language, dark]);
  const choices: Choices = {
    look,
    setLook: (chosen) => {
      keep("look", chosen);
      setLook(chosen);
    },
    setLanguage: (chosen) => {
      keep("language", chosen);
      setLanguage(chosen);
    },
  };
  const theme = useMemo(() => themeOf(dark), [dark]);
  return (
    <LanguageContext.Provider value={language}>
      <ConfigProvider theme={theme} locale={LOCALES[language]} csp={{ nonce }} button={{ autoInsertSpace: false }} getPopupContainer={layers} getTargetContainer={layers}>
        <Layers component={false} message={{ maxCount: 2 }}>
          <QueryClientProvider client={client}>
            <Router base="/desk">
              <Gate choices={choices} />
            </Router>
          </QueryClientProvider>
        </Layers>
      </ConfigProvider>
    </LanguageContext.Provider>
  );
}
