import { App } from "antd";
import { useCallback } from "react";
import { DeskProblem, Problem } from "./api";
import { useLanguage, useWords, type Words } from "./words";
import type { Language } from "./types";

/** Returns the sentence that tells an agent what went wrong and what to do next. */
export function sentenceOf(error: unknown, words: Words, language: Language): string {
  if (!(error instanceof Problem)) return words.problems.http_error ?? "";
  if (error.code === "code_wrong" && error instanceof DeskProblem && typeof error.more.attempts_left === "number") return words.work.wrong(error.more.attempts_left);
  return words.problems[error.code] ?? error.sentence(language) ?? words.problems.http_error ?? "";
}

/** Returns a function that shows what went wrong, politely and for a moment. */
export function useComplain(): (error: unknown) => void {
  const { message } = App.useApp();
  const words = useWords();
  const language = useLanguage();
  return useCallback(
    (error: unknown) => {
      void message.error(sentenceOf(error, words, language));
    },
    [message, words, language],
  );
}
