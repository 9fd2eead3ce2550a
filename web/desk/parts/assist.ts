import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Base } from "../api";
import { useComplain } from "../problems";
import type { Answer, Language } from "../types";

/** The suggestions for a customer's line, which of them is in hand, and what becomes of it. */
export function useAssist(base: Base, message: string | null, enabled: boolean) {
  const complain = useComplain();
  const found = useQuery({
    queryKey: ["assist", base.kind, base.id, message],
    queryFn: () => api.assist(base, message ?? undefined),
    enabled: enabled && message !== null,
    staleTime: 60_000,
    retry: false,
  });
  const [place, setPlace] = useState<{ message: string | null; at: number; gone: string[]; judged: string | null }>({ message: null, at: 0, gone: [], judged: null });
  const now = place.message === message ? place : { message, at: 0, gone: [], judged: null };
  const left = (found.data?.suggestions ?? []).filter((one) => !now.gone.includes(one.label));
  const current: Answer | null = left.length ? (left[now.at % left.length] ?? null) : null;
  // What stands on the screen is what is sent, by button or by key: the customer's language unless another was picked for this answer.
  const [picked, setPicked] = useState<{ label: string; language: Language } | null>(null);
  const spoken: Language = picked && picked.label === current?.label ? picked.language : (found.data?.language ?? "zh");
  const judge = async (body: { label: string; outcome: "dismissed" | "wrong" | "right" | "sent" | "edited"; right?: string }) => {
    if (!message) return;
    try {
      await api.judge(base, { message, ...body });
    } catch (error) {
      complain(error);
    }
  };
  return {
    data: found.data,
    message,
    away: found.isError,
    loading: found.isFetching && !found.data,
    again: () => void found.refetch(),
    current,
    spoken,
    text: current ? current.texts?.[spoken] || current.text : "",
    speak: (language: Language) => current && setPicked({ label: current.label, language }),
    place: left.length ? (now.at % left.length) + 1 : 0,
    count: left.length,
    judged: now.judged,
    other: () => setPlace({ ...now, at: now.at + 1 }),
    dismiss: () => {
      if (!current) return;
      void judge({ label: current.label, outcome: "dismissed" });
      setPlace({ ...now, gone: [...now.gone, current.label], at: 0 });
    },
    used: () => current && setPlace({ ...now, gone: [...now.gone, current.label], at: 0 }),
    tellSaid: () => current && void judge({ label: current.label, outcome: "sent" }),
    right: (label: string) => {
      setPlace({ ...now, judged: label });
      void judge({ label: found.data?.intent?.name ?? label, outcome: "right", right: label });
    },
    wrong: (right?: string) => {
      setPlace({ ...now, judged: "wrong" });
      void judge({ label: found.data?.intent?.name ?? "", outcome: "wrong", right });
    },
  };
}

export type Helping = ReturnType<typeof useAssist>;
