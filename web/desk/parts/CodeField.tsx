import { Button, Input } from "antd";
import { useState } from "react";
import { useWords } from "../words";

interface Props {
  label: string;
  submit: string;
  busy: boolean;
  heard: { id: string } | null;
  check: (body: { code: string } | { line: string }) => Promise<boolean>;
}

/** Six digits that the caller reads out: typed here, or taken from the line in which they were said, unseen. */
export function CodeField({ label, submit, busy, heard, check }: Props) {
  const words = useWords();
  const [code, setCode] = useState("");
  const send = async (body: { code: string } | { line: string }) => {
    await check(body);
    // A wrong code is worth nothing, and a right one is nobody's business any more.
    setCode("");
  };
  return (
    <div className="code-field">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (code.length === 6) void send({ code });
        }}
      >
        <Input
          aria-label={label}
          placeholder={label}
          value={code}
          onChange={(event) => setCode(event.target.value.normalize("NFKC").replace(/\D/g, "").slice(0, 6))}
          inputMode="numeric"
          autoComplete="off"
          maxLength={12}
        />
        <Button type="primary" htmlType="submit" disabled={code.length !== 6} loading={busy}>
          {submit}
        </Button>
      </form>
      {heard && (
        <Button size="small" type="dashed" loading={busy} onClick={() => void send({ line: heard.id })}>
          {words.calls.useLine}
        </Button>
      )}
    </div>
  );
}
