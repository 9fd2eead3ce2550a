import { Button, Modal, Typography } from "antd";
import { useEffect, useState } from "react";
import { api } from "../api";
import { useComplain } from "../problems";
import { useWords } from "../words";

type Feed = Awaited<ReturnType<typeof api.feed>>;

/** What a speech recogniser needs to send this call's lines. A token is made when it is asked for: a new one ends the one before. */
export function FeedDialog({ id, open, close }: { id: string; open: boolean; close: () => void }) {
  const words = useWords();
  const complain = useComplain();
  const [feed, setFeed] = useState<Feed | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!open) setFeed(null); // shown once
  }, [open]);
  const make = async () => {
    setBusy(true);
    try {
      setFeed(await api.feed(id));
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  const copyable = { tooltips: [words.calls.copy, words.calls.copied] };
  return (
    <Modal open={open} onCancel={close} footer={null} title={words.calls.feed} destroyOnHidden>
      <p>{words.calls.feedLead}</p>
      {!feed && (
        <Button type="primary" onClick={() => void make()} loading={busy}>
          {words.calls.feedMake}
        </Button>
      )}
      {feed && (
        <dl className="facts">
          <dt>{words.calls.feedUrl}</dt>
          <dd>
            <Typography.Text code copyable={copyable}>{feed.url}</Typography.Text>
          </dd>
          <dt>{words.calls.feedSocket}</dt>
          <dd>
            <Typography.Text code copyable={copyable}>{feed.socket}</Typography.Text>
          </dd>
          <dt>{words.calls.feedToken}</dt>
          <dd>
            <Typography.Text code copyable={{ ...copyable, text: feed.token }}>{feed.token.slice(0, 12)}…</Typography.Text>
          </dd>
          <dd className="quiet">{words.calls.feedUntil(Math.round(feed.expires_in / 60))}</dd>
        </dl>
      )}
    </Modal>
  );
}
