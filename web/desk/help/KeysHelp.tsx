import { Modal } from "antd";
import { Fragment } from "react";
import { useWords } from "../words";

const GROUPS = [
  ["everywhere", [["?", "help"], ["1", "chats"], ["2", "calls"], ["N", "next"]]],
  ["talk", [["J", "down"], ["K", "up"], ["T", "take"], ["R", "reply"], ["M", "note"], ["Esc", "leave"], ["/", "canned"], ["Alt+H", "handBack"], ["Alt+F", "transfer"], ["Alt+W", "close"], ["Alt+I", "side"]]],
  ["assist", [["Alt+Enter", "sendSuggestion"], ["Alt+E", "editSuggestion"], ["Alt+O", "otherSuggestion"], ["Alt+X", "dismiss"]]],
] as const;

/** The table of shortcuts that `?` opens. */
export function KeysHelp({ open, close }: { open: boolean; close: () => void }) {
  const words = useWords();
  return (
    <Modal open={open} onCancel={close} footer={null} title={words.keys.title} width={560} destroyOnHidden>
      <div className="keys">
        {GROUPS.map(([group, rows]) => (
          <section key={group} aria-label={words.keys.groups[group]}>
            <h2>{words.keys.groups[group]}</h2>
            <dl>
              {rows.map(([key, what]) => (
                <Fragment key={key}>
                  <dt>
                    {key.split("+").map((part) => (
                      <kbd key={part}>{part}</kbd>
                    ))}
                  </dt>
                  <dd>{words.keys[what]}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
