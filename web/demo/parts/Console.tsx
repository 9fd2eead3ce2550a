import { useState } from "react";
import { MODES, setBank, settleBank, type BankMode } from "../sandbox";
import type { Words } from "../words";

const KEY = "jiebang:demo-bank";

/** The switches of the sandbox: how the bank answers, and a customer who starts from the beginning. */
export function Console({ words, reset, resetting }: { words: Words; reset: () => Promise<void>; resetting: boolean }) {
  const [mode, setMode] = useState<BankMode>(() => (sessionStorage.getItem(KEY) as BankMode | null) ?? "ok");
  const [said, setSaid] = useState("");
  const choose = async (next: BankMode) => {
    setMode(next);
    setSaid("");
    try {
      await setBank(next);
      sessionStorage.setItem(KEY, next);
    } catch {
      setMode(mode); // the bank is as it was
      setSaid(words.lost);
    }
  };
  const settle = async () => {
    await settleBank().then(() => setSaid(words.settled), () => setSaid(words.lost));
  };
  const begin = async () => {
    setSaid("");
    await reset().catch(() => setSaid(words.lost));
  };
  return (
    <section className="console panel" aria-labelledby="console">
      <h2 id="console">{words.console}</h2>
      <fieldset>
        <legend>{words.bank}</legend>
        <div className="modes">
          {MODES.map((one) => (
            <label key={one}>
              <input type="radio" name="bank" value={one} checked={mode === one} onChange={() => void choose(one)} />
              <span>{words.modes[one]}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <p className="console-note" role="status">
        {said || words.modeNotes[mode]}
      </p>
      <div className="console-acts">
        <button type="button" className="button" onClick={() => void settle()}>
          {words.settle}
        </button>
        <button type="button" className="button button--main" onClick={() => void begin()} disabled={resetting}>
          {words.reset}
        </button>
      </div>
      <p className="console-password">
        {words.password} <b className="mono">246810</b>
      </p>
      <p className="console-desk">
        <a href="/desk" target="_blank" rel="noopener">
          {words.desk}
        </a>
        {words.deskNote} <b className="mono">agent</b> / <b className="mono">agent</b>
      </p>
    </section>
  );
}
