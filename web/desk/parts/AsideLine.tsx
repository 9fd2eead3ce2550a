import { moment } from "../format";
import { useLanguage, useWords } from "../words";
import { Rich } from "./Rich";

interface Props {
  kind: "system" | "note";
  text: string;
  at: string;
  by?: string;
}

/** A line that nobody said to the customer: what the system tells, or a note that only the desk sees. */
export function AsideLine({ kind, text, at, by }: Props) {
  const words = useWords();
  const language = useLanguage();
  const time = <time dateTime={at}>{moment(at, language)}</time>;
  if (kind === "system")
    return (
      <div className="line line--system">
        <span>
          {text} {time}
        </span>
      </div>
    );
  return (
    <div className="line line--note">
      <p className="line-by">
        {by ? words.talk.noteBy(by) : words.talk.note} {time}
      </p>
      <Rich text={text} />
    </div>
  );
}
