import { useEffect, useLayoutEffect, useRef, useState, type ClipboardEvent, type FormEvent, type KeyboardEvent } from "react";
import { codeIn, codeTyped } from "../codes";
import { onWish, taken } from "../focus";
import type { Words } from "../words";
import { Icon } from "./icons";

const LONGEST = 2000;

interface Props {
  /** The assistant waits for a one-time code. */
  code: boolean;
  disabled: boolean;
  words: Words;
  send(text: string): void;
  types(typing: boolean): void;
}

/** Where the customer types. While a code is asked for it is a number field that the phone can fill in from the SMS. */
export function Composer({ code, disabled, words, send, types }: Props) {
  const [text, setText] = useState("");
  const [wantsText, setWantsText] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const coding = code && !wantsText;
  const focused = useRef(false);

  useEffect(() => {
    if (!code) setWantsText(false);
  }, [code]);
  // The field changes under the customer's fingers: the focus goes with it, and writing goes on at the end.
  useLayoutEffect(() => {
    const next = coding ? field.current : area.current;
    if (!next || !focused.current) return;
    next.focus();
    next.setSelectionRange(next.value.length, next.value.length);
  }, [coding]);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 120)}px`;
  }, [text, coding]);
  useEffect(() => {
    // On a phone the keyboard would cover what the customer came to read.
    return onWish(() => taken() && window.matchMedia("(pointer: fine)").matches && (field.current ?? area.current)?.focus());
  }, []);

  const length = [...text].length;
  const ready = !disabled && text.trim() !== "" && length <= LONGEST;
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!ready) return;
    send(text);
    setText("");
    (coding ? field.current : area.current)?.focus();
  };
  const typed = (event: KeyboardEvent) => {
    // Enter also ends the choice of a Chinese word; that one must not send.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && event.keyCode !== 229) submit(event as unknown as FormEvent);
  };
  const pasted = (event: ClipboardEvent<HTMLInputElement>) => {
    const found = codeIn(event.clipboardData.getData("text"));
    if (!found) return;
    event.preventDefault();
    setText(found);
  };
  // Words are not swallowed: who writes some gets the field for them. What an input method still builds is left alone until it is done.
  const entered = (value: string, building: boolean) => {
    if (building) return setText(value);
    const found = codeTyped(value);
    if ("code" in found) return setText(found.code);
    focused.current = true;
    setText(found.words);
    setWantsText(true);
  };
  const swap = () => {
    focused.current = true;
    setText("");
    setWantsText(!wantsText);
  };
  const marks = { onFocus: () => (focused.current = true), onBlur: () => setTimeout(() => (focused.current = document.activeElement === area.current || document.activeElement === field.current)) };

  return (
    <form className="composer" onSubmit={submit} data-coding={coding || undefined}>
      {code && (
        <p className="composer-hint">
          <span>
            <Icon name="lock" />
            {words.codeSafe}
          </span>
          <button type="button" onClick={swap}>
            {wantsText ? words.codeNumeric : words.codeTyped}
          </button>
        </p>
      )}
      <div className="composer-row">
        {coding ? (
          <input
            ref={field} className="composer-input composer-input--code" value={text} onChange={(event) => entered(event.target.value, (event.nativeEvent as InputEvent).isComposing)} onCompositionEnd={(event) => entered(event.currentTarget.value, false)} onPaste={pasted}
            type="text" inputMode="numeric" autoComplete="one-time-code" pattern="[0-9]*" enterKeyHint="send" placeholder={words.codePlaceholder} aria-label={words.codeLabel} {...marks}
          />
        ) : (
          <textarea
            ref={area} className="composer-input" rows={1} value={text} onChange={(event) => { setText(event.target.value); types(event.target.value !== ""); }} onKeyDown={typed} enterKeyHint="send" autoComplete="off"
            placeholder={words.placeholder} aria-label={words.message} {...marks}
          />
        )}
        <button type="submit" className="composer-send" disabled={!ready} aria-label={words.send}>
          <Icon name="send" />
        </button>
      </div>
      {length > LONGEST - 200 && (
        <p className="composer-count" role="status" data-over={length > LONGEST || undefined}>
          {words.tooLong(LONGEST - length)}
        </p>
      )}
    </form>
  );
}
