import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App } from "antd";
import { useState } from "react";
import { api, clientId, DeskProblem, type Base } from "../api";
import { useComplain } from "../problems";
import type { Guide, Operation, Pair, Worked } from "../types";
import { said, useLanguage, useWords } from "../words";

export const ENDED = new Set(["succeeded", "failed", "cancelled", "expired"]);

/** An operation on the customer's behalf: begun, told, confirmed by a code, followed to its end. */
export function useWorking(base: Base, guide: Guide | null) {
  const client = useQueryClient();
  const words = useWords();
  const language = useLanguage();
  const complain = useComplain();
  const { modal, message } = App.useApp();
  const [busy, setBusy] = useState("");
  // What was begun here wins over what the last suggestion knew of.
  const [notBefore, setNotBefore] = useState(0);
  const [begun, setBegun] = useState<string | null>(null);
  const id = begun ?? guide?.operation_id ?? null;
  const key = ["operation", base.kind, base.id, id];
  const found = useQuery({
    queryKey: key,
    queryFn: () => api.operation(base, id ?? ""),
    enabled: id !== null,
    // The end comes by the stream; asking now and then catches what the stream has no word for (a code typed by the customer).
    refetchInterval: (query) => (query.state.data && ENDED.has(query.state.data.operation.status) ? false : 4000),
    retry: false,
  });
  const told = (worked: Worked) => {
    client.setQueryData(["operation", base.kind, base.id, worked.operation.id], worked);
    for (const name of ["customer", "assist"]) void client.invalidateQueries({ queryKey: [name, base.kind, base.id] });
    if (base.kind === "call") void client.invalidateQueries({ queryKey: ["call", base.id] });
    return worked;
  };
  const run = async (what: string, act: () => Promise<Worked>): Promise<Worked | null> => {
    setBusy(what);
    try {
      return told(await act());
    } catch (error) {
      if (error instanceof DeskProblem && error.code === "blocked") {
        const blockers = (error.more.blockers ?? []) as { code: string; title?: Pair }[];
        modal.warning({ title: words.work.blocked, content: blockers.map((one) => said(one.title, language, one.code)).join("\n"), className: "lines-kept" });
      } else if (error instanceof DeskProblem && error.code === "operation_in_progress") {
        const running = (error.more.operation as Operation | undefined)?.id ?? (error.more.operation_id as string | undefined);
        if (running) setBegun(running);
        complain(error);
      } else {
        // A code for something else may just have been sent: the interval is the account's.
        if (error instanceof DeskProblem && error.code === "send_too_soon") setNotBefore(Date.now() + (error.retryAfter || 60) * 1000);
        complain(error);
        void found.refetch();
      }
      return null;
    } finally {
      setBusy("");
    }
  };
  return {
    base,
    busy,
    notBefore,
    worked: found.data ?? null,
    guide: found.data?.guide ?? guide,
    begin: async (kind: string, target: string) => {
      const worked = await run(`${kind}:${target}`, () => api.begin(base, kind, target, clientId()));
      if (worked) {
        setBegun(worked.operation.id);
        void message.info(words.work.begun);
      }
    },
    confirm: (operation: Operation) => void run("confirm", () => api.confirm(base, operation.id, operation.effects_version)),
    verify: async (operation: Operation, body: { code: string } | { line: string }) => {
      const worked = await run("verify", () => api.verifyOperation(base.id, operation.id, operation.effects_version, body));
      if (worked?.operation.status === "succeeded") void message.success(words.work.done);
      return worked !== null;
    },
    cancel: (operation: Operation) =>
      modal.confirm({
        title: words.work.cancelSure,
        okText: words.work.cancelYes,
        cancelText: words.work.cancelNo,
        okButtonProps: { danger: true },
        onOk: async () => {
          await run("cancel", () => api.cancel(base, operation.id));
        },
      }),
  };
}

export type Working = ReturnType<typeof useWorking>;
