import { useQueryClient } from "@tanstack/react-query";
import { Spin } from "antd";
import { useCallback, useEffect, useState } from "react";
import { api, onSignedOut } from "./api";
import type { Choices } from "./Desk";
import { Shell } from "./Shell";
import { SignIn } from "./SignIn";
import { MeContext } from "./session";
import type { Me } from "./types";
import { useWords } from "./words";

/** Shows the desk to who is signed in, and the sign-in to everybody else. */
export function Gate({ choices }: { choices: Choices }) {
  const client = useQueryClient();
  const words = useWords();
  const [me, setMe] = useState<Me["agent"] | null>(null);
  const [state, setState] = useState<"asking" | "out" | "ended" | "in">("asking");
  const leave = useCallback((ended: boolean) => {
    setState((now) => (now === "in" && ended ? "ended" : now === "in" ? "out" : now === "asking" ? "out" : now));
  }, []);
  const ended = useCallback(() => leave(true), [leave]);
  const entered = useCallback(
    (found: Me) => {
      // Who signs in after somebody else sees nothing of what the other had open.
      setMe((before) => {
        if (before && before.username !== found.agent.username) client.clear();
        return found.agent;
      });
      setState("in");
    },
    [client],
  );
  useEffect(() => {
    onSignedOut(ended);
    api.me().then(entered, () => leave(false));
  }, [ended, entered, leave]);
  if (state === "asking")
    return (
      <div className="waiting-page">
        <Spin description={words.common.loading} />
      </div>
    );
  if (state !== "in" || !me) return <SignIn choices={choices} ended={state === "ended"} entered={entered} />;
  const signOut = async () => {
    await api.signOut().catch(() => null);
    client.clear();
    leave(false);
  };
  return (
    <MeContext.Provider value={me}>
      <Shell choices={choices} signOut={signOut} ended={ended} setMe={setMe} />
    </MeContext.Provider>
  );
}
