import { Fragment, type ReactNode } from "react";

/**
 * The small part of Markdown that the assistant and agents write: paragraphs, lists, bold, code and web addresses. Every
 * piece of text becomes a React text node; HTML is never parsed, so nothing in a message can become an element or a script.
 */
const LIST = /^\s*(?:[-*•·]\s+|(\d{1,2})[.)、]\s*)(.+)$/;
const INLINE = /(\*\*[^*\n]+\*\*|`[^`\n]+`|https?:\/\/[^\s<>"'（）()，。；、]+)/g;

type Block = { kind: "p"; lines: string[] } | { kind: "ul" | "ol"; start: number; lines: string[] };

/** Cuts a text into paragraphs and lists. */
export function blocksOf(text: string): Block[] {
  const found: Block[] = [];
  for (const line of text.replace(/\r\n?/g, "\n").split("\n")) {
    const item = LIST.exec(line);
    const last = found[found.length - 1];
    if (item) {
      const kind = item[1] ? "ol" : "ul";
      if (last?.kind === kind) last.lines.push(item[2] ?? "");
      else found.push({ kind, start: Number(item[1] ?? 1), lines: [item[2] ?? ""] });
    } else if (!line.trim()) {
      if (last?.kind === "p" && last.lines.length) found.push({ kind: "p", lines: [] });
    } else if (last?.kind === "p") last.lines.push(line);
    else found.push({ kind: "p", lines: [line] });
  }
  return found.filter((block) => block.lines.length);
}

/** Returns the address when it is one that may be followed. */
export function safeUrl(text: string): string | null {
  try {
    const url = new URL(text);
    return (url.protocol === "https:" || url.protocol === "http:") && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}

function inline(text: string): ReactNode[] {
  return text.split(INLINE).map((part, at) => {
    if (at % 2 === 0) return part;
    if (part.startsWith("**")) return <strong key={at}>{part.slice(2, -2)}</strong>;
    if (part.startsWith("`")) return <code key={at}>{part.slice(1, -1)}</code>;
    const href = safeUrl(part);
    return href ? (
      <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow">
        {part}
      </a>
    ) : (
      part
    );
  });
}

export function Markdown({ text }: { text: string }) {
  return (
    <>
      {blocksOf(text).map((block, at) => {
        if (block.kind === "p")
          return (
            <p key={at}>
              {block.lines.map((line, row) => (
                <Fragment key={row}>
                  {row > 0 && <br />}
                  {inline(line)}
                </Fragment>
              ))}
            </p>
          );
        const items = block.lines.map((line, row) => <li key={row}>{inline(line)}</li>);
        return block.kind === "ol" ? (
          <ol key={at} start={block.start}>
            {items}
          </ol>
        ) : (
          <ul key={at}>{items}</ul>
        );
      })}
    </>
  );
}
