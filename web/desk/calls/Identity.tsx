import { CheckCircleFilled, CloseCircleFilled, SafetyCertificateOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { api } from "../api";
import { moment, useNow } from "../format";
import { CodeField } from "../parts/CodeField";
import { useComplain } from "../problems";
import type { Call } from "../types";
import { useLanguage, useWords } from "../words";

/** Who is calling: unknown until a code that was sent to the registered phone is read back. */
export function Identity({ call, heard }: { call: Call; heard: { id: string } | null }) {
  const words = useWords();
  const language = useLanguage();
  const client = useQueryClient();
  const complain = useComplain();
  const [busy, setBusy] = useState("");
  const now = useNow(1000);
  const run = async (what: string, act: () => Promise<Call>): Promise<boolean> => {
    setBusy(what);
    try {
      client.setQueryData(["call", call.id], await act());
      void client.invalidateQueries({ queryKey: ["calls"] });
      return true;
    } catch (error) {
      complain(error);
      void client.invalidateQueries({ queryKey: ["call", call.id] });
      return false;
    } finally {
      setBusy("");
    }
  };
  if (call.verified_at)
    return (
      <p className="identity" data-state="verified" role="status">
        <CheckCircleFilled aria-hidden /> <b>{words.calls.identityDone}</b> <time dateTime={call.verified_at}>{moment(call.verified_at, language)}</time>
      </p>
    );
  if (call.state === "failed")
    return (
      <p className="identity" data-state="failed" role="status">
        <CloseCircleFilled aria-hidden /> <b>{words.calls.identityFailed}</b>
      </p>
    );
  if (call.state === "ended") return null;
  const wait = call.challenge ? Math.ceil((Date.parse(call.challenge.resend_at) - now) / 1000) : 0;
  return (
    <section className="identity" aria-label={words.calls.identity} data-state="open">
      <div>
        <SafetyCertificateOutlined aria-hidden />
        <p>
          <b>{words.calls.identity}</b>
          <span role="status">{call.challenge ? words.calls.sent : words.calls.identityLead}</span>
          {call.challenge && call.challenge.attempts_left < 3 && <em>{words.work.left(call.challenge.attempts_left)}</em>}
        </p>
      </div>
      <div className="identity-acts">
        {call.challenge && <CodeField label={words.calls.code} submit={words.calls.check} busy={busy === "verify"} heard={heard} check={(body) => run("verify", () => api.verifyCaller(call.id, body))} />}
        <Button type={call.challenge ? "text" : "primary"} loading={busy === "send"} disabled={wait > 0} onClick={() => void run("send", () => api.identify(call.id))}>
          {call.challenge ? (wait > 0 ? words.work.againIn(wait) : words.work.again) : words.calls.sendCode}
        </Button>
      </div>
    </section>
  );
}
