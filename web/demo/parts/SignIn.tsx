import { useEffect, useRef } from "react";
import type { Words } from "../words";

/** The shop's own sign-in, as the assistant asks the page for it. */
export function SignIn({ words, choose }: { words: Words; choose: (account: string | null) => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="sign-in" aria-labelledby="sign-in" onClose={() => choose(null)}>
      <h2 id="sign-in">{words.signInTitle}</h2>
      <p>{words.signInNote}</p>
      {["demo-zh", "demo-en"].map((account) => (
        <button key={account} type="button" className="button button--main" onClick={() => choose(account)}>
          {words.as(account)}
        </button>
      ))}
      <button type="button" className="button" onClick={() => choose(null)}>
        {words.cancel}
      </button>
    </dialog>
  );
}
