import { Fragment, type ReactNode } from "react";
import { blocksOf, safeUrl } from "../../widget/markdown";
import { useMasked } from "./Masked";

const INLINE = /(\*\*[^*\n]+\*\*|`[^`\n]+`|https?:\/\/[^\s<>"'（）()，。；、]+)/g;

/** A text as the customer sees it, lists and bold words included, with hidden parts as chips. HTML in it stays text. */
export function Rich({ text }: { text: string }) {
  const masked = useMasked();
  const inline = (line: string): ReactNode[] =>
    line.split(INLINE).map((part, at) => {
      if (at % 2 === 0) return <Fragment key={at}>{masked(part)}</Fragment>;
      if (part.startsWith("**")) return <strong key={at}>{masked(part.slice(2, -2))}</strong>;
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
  return (
    <>
      {blocksOf(text).map((block, at) =>
        block.kind === "p" ? (
          <p key={at}>
            {block.lines.map((line, row) => (
              <Fragment key={row}>
                {row > 0 && <br />}
                {inline(line)}
              </Fragment>
            ))}
          </p>
        ) : block.kind === "ol" ? (
          <ol key={at} start={block.start}>
            {block.lines.map((line, row) => (
              <li key={row}>{inline(line)}</li>
            ))}
          </ol>
        ) : (
          <ul key={at}>
            {block.lines.map((line, row) => (
              <li key={row}>{inline(line)}</li>
            ))}
          </ul>
        ),
      )}
    </>
  );
}
